"""The names that extensions import, each used as they use it, in one running application."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
import pytest
import torch
from PIL import Image

from modules.foundation.errors import ExtensionError, RequestError
from tests.a1111.conftest import Stage
from tests.interrogate import tiny

NAMES = {
    "call_queue": "queue_lock wrap_gradio_call wrap_gradio_gpu_call wrap_queued_call",
    "devices": "autocast cond_cast_unet cpu device dtype dtype_unet dtype_vae torch_gc get_optimal_device",
    "errors": "display report print_error_explanation",
    "extensions": "extensions active extensions_dir extensions_builtin_dir list_extensions",
    "extra_networks": "ExtraNetwork ExtraNetworkParams parse_prompt parse_prompts register_extra_network",
    "extras": "run_pnginfo",
    "hashes": "sha256 sha256_from_cache calculate_sha256 addnet_hash_safetensors",
    "images": "save_image resize_image image_grid flatten read_info_from_image get_next_sequence_number LANCZOS "
    "FilenameGenerator sanitize_filename_part split_grid combine_grid save_image_with_geninfo",
    "launch_utils": "run_pip is_installed run git_tag args python git_clone requirements_met",
    "masking": "get_crop_region get_crop_region_v2 expand_crop_region fill",
    "patches": "patch undo original",
    "paths": "script_path data_path models_path extensions_dir extensions_builtin_dir",
    "paths_internal": "script_path data_path models_path extensions_dir extensions_builtin_dir default_output_dir",
    "processing": "StableDiffusionProcessing StableDiffusionProcessingTxt2Img StableDiffusionProcessingImg2Img "
    "Processed process_images fix_seed get_fixed_seed create_infotext process_images_inner program_version "
    "decode_first_stage apply_overlay apply_color_correction setup_color_correction opt_C opt_f",
    "progress": "add_task_to_queue start_task finish_task current_task pending_tasks create_task_id",
    "prompt_parser": "get_learned_conditioning_prompt_schedules parse_prompt_attention get_multicond_prompt_list "
    "SdConditioning DictWithShape ScheduledPromptConditioning MulticondLearnedConditioning",
    "safe": "unsafe_torch_load load",
    "script_callbacks": "on_app_started on_before_image_saved on_cfg_denoiser CFGDenoiserParams ImageSaveParams "
    "on_ui_tabs on_ui_settings on_infotext_pasted on_script_unloaded on_model_loaded on_before_reload on_list_unets",
    "scripts": "Script AlwaysVisible basedir scripts_data scripts_txt2img scripts_img2img list_scripts "
    "PostprocessImageArgs PostprocessBatchListArgs ScriptRunner",
    "scripts_postprocessing": "ScriptPostprocessing PostprocessedImage",
    "sd_hijack": "model_hijack",
    "sd_models": "checkpoints_list get_closet_checkpoint_match reload_model_weights load_model read_state_dict "
    "apply_token_merging model_data list_models model_path checkpoint_tiles model_hash select_checkpoint "
    "checkpoint_aliases",
    "sd_samplers": "all_samplers all_samplers_map samplers samplers_for_img2img samplers_map create_sampler",
    "sd_samplers_common": "SamplerData Sampler store_latent decode_first_stage InterruptedException",
    "sd_samplers_kdiffusion": "KDiffusionSampler CFGDenoiser",
    "sd_vae": "vae_dict load_vae load_vae_dict find_vae_near_checkpoint reload_vae_weights refresh_vae_list "
    "loaded_vae_file",
    "shared": "opts cmd_opts state sd_model sd_upscalers prompt_styles OptionInfo options_section options_templates "
    "total_tqdm device face_restorers latent_upscale_modes hypernetworks config_filename styles_filename "
    "list_checkpoint_tiles refresh_checkpoints html natural_sort_key walk_files listfiles demo mem_mon hide_dirs",
    "textual_inversion.textual_inversion": "EmbeddingDatabase Embedding",
    "ui": "create_refresh_button versions_html gr_show create_output_panel plaintext_to_html refresh_symbol",
    "ui_common": "plaintext_to_html save_files create_output_panel create_refresh_button folder_symbol refresh_symbol",
    "ui_components": "ToolButton FormRow FormColumn FormGroup FormHTML FormColorPicker DropdownMulti InputAccordion",
    "infotext_utils": "parse_generation_parameters create_buttons bind_buttons ParamBinding paste_fields "
    "register_paste_params_button image_from_url_text registered_param_bindings",
    "generation_parameters_copypaste": "parse_generation_parameters create_buttons bind_buttons ParamBinding "
    "register_paste_params_button image_from_url_text connect_paste_params_buttons quote unquote",
    "api.api": "Api encode_pil_to_base64 decode_base64_to_image",
    "api.models": "StableDiffusionTxt2ImgProcessingAPI StableDiffusionImg2ImgProcessingAPI TextToImageResponse",
    "upscaler": "Upscaler UpscalerData",
    "face_restoration": "FaceRestoration restore_faces",
    "localization": "localizations",
    "deepbooru": "model re_special",
    "lowvram": "send_everything_to_cpu",
    "util": "natural_sort_key walk_files",
    "ui_extra_networks": "ExtraNetworksPage register_page quote_js extra_pages create_ui setup_ui",
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("doorways"), {})
    made.make()
    yield made
    made.close()


def door(name: str) -> Any:
    return importlib.import_module(f"modules.{name}")


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_a_doorway_is_there(here: Stage, name: str) -> None:
    module = door(name)
    missing = [each for each in NAMES[name].split() if not hasattr(module, each)]
    assert missing == []


def test_pictures_are_described_and_what_is_missing_is_named(here: Stage) -> None:
    interrogator, tagger = door("shared").interrogator, door("deepbooru").model
    assert {each.name: each.topn for each in interrogator.categories()}["flavors.top3"] == 3
    for describe in (interrogator.interrogate, interrogator.generate_caption, tagger.tag, tagger.tag_multi):
        with pytest.raises(RequestError, match=r"is missing|are missing"):
            describe(tiny.picture())
    folder = here.application.paths.models / "torch_deepdanbooru"
    tiny.write_booru(folder)
    tagger.start()
    door("shared").opts.set("interrogate_deepbooru_score_threshold", 0.0)
    door("shared").opts.set("interrogate_return_ranks", True)
    assert tagger.tag_multi(tiny.picture(), force_disable_ranks=True) == r"1girl, long hair, saber \(fate\), solo"
    assert tagger.tag(tiny.picture()).startswith("(1girl:0.")
    tagger.stop()
    interrogator.unload()


def test_the_built_in_networks_are_lists(here: Stage) -> None:
    for name in ("networks", "lora"):
        module = importlib.import_module(name)
        assert module.available_networks == {}
        assert module.loaded_networks == []
        with pytest.raises(AttributeError, match="merged by the program itself"):
            _ = module.load_networks
        layer, x = torch.nn.Linear(2, 3), torch.ones(1, 2)
        assert torch.equal(module.network_forward(layer, x, module.network_Linear_forward), layer(x))
        assert module.originals.Linear_forward is torch.nn.Linear.forward


def test_importing_what_is_not_here_does_not_fail_and_using_it_says_so(here: Stage) -> None:
    attention = importlib.import_module("ldm.modules.attention")
    ddim: Any = importlib.import_module("ldm.models.diffusion.ddim")
    importlib.import_module("sgm.modules.attention")
    importlib.import_module("k_diffusion.sampling")
    assert not isinstance(object(), attention.CrossAttention)

    class Derived(ddim.DDIMSampler):
        pass

    with pytest.raises(NotImplementedError, match=r"CrossAttention is wanted by .*test_doorways.py, and Easel has no"):
        attention.CrossAttention()
    with pytest.raises(NotImplementedError, match=r"DDIMSampler.sample is wanted by .*test_doorways.py"):
        ddim.DDIMSampler.sample()
    with pytest.raises(NotImplementedError):
        Derived()


def test_save_image_answers_with_the_path_and_takes_its_arguments_by_place(here: Stage, tmp_path: Path) -> None:
    images, callbacks = door("images"), here.dialect.callbacks
    picture = Image.new("RGB", (8, 8), "red")
    path, text = images.save_image(picture, str(tmp_path), "", 7, "a cat", "png", "a cat\nSteps: 1", save_to_dirs=False)
    assert Path(path).parent == tmp_path
    assert Path(path).name.startswith("00000-7")
    assert text is None
    assert images.read_info_from_image(Image.open(path))[0] == "a cat\nSteps: 1"
    assert images.get_next_sequence_number(str(tmp_path), "") == 1
    seen: list[Any] = []

    def before(params: Any) -> None:
        seen.append(Path(params.filename).name)
        params.filename = str(tmp_path / "deeper" / "mine.jpg")
        params.pnginfo["note"] = "kept"

    callbacks.add("before_image_saved", before)
    callbacks.add("image_saved", lambda params: seen.append(Path(params.filename).name))
    path, _ = images.save_image(picture, str(tmp_path), "", 8, info="x", save_to_dirs=False)
    callbacks.clear()
    assert path == str(tmp_path / "deeper" / "mine.jpg")
    assert seen[0].startswith("00001-8")
    assert seen[1] == "mine.jpg"
    path, _ = images.save_image(picture, str(tmp_path), "", forced_filename="exact", save_to_dirs=False)
    assert Path(path).name == "exact.png"


def test_callbacks_around_saving_know_the_real_name_of_a_picture_of_a_run(here: Stage) -> None:
    callbacks, seen = here.dialect.callbacks, list[str]()
    callbacks.add("before_image_saved", lambda params: seen.append(params.filename))
    callbacks.add("image_saved", lambda params: seen.append(params.filename))
    made = here.make(seed=5)
    callbacks.clear()
    assert seen == [str(made.samples[0].path)] * 2


def test_a_save_image_that_an_extension_has_replaced_saves_the_pictures_of_runs(
    here: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = door("images")
    original, seen = images.save_image, list[Any]()

    def save_image(image: Any, path: str, basename: str, *args: Any, **kwargs: Any) -> Any:
        seen.append((image.size, kwargs["info"].splitlines()[0]))
        return original(image, path, basename, *args, **kwargs)

    monkeypatch.setattr(images, "save_image", save_image)
    path = here.make().samples[0].path
    assert seen == [((64, 64), "a cat")]
    assert path is not None
    assert path.is_file()
    assert path.name.endswith("-1.png")
    monkeypatch.setattr(images, "save_image", lambda *args, **kwargs: (None, None))
    assert here.make().samples[0].path is None


def test_pictures_are_resized_split_and_put_together(here: Stage) -> None:
    images = door("images")
    rng = numpy.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 255, (96, 160, 3), dtype=numpy.uint8))
    assert images.resize_image(1, picture, 64, 64).size == (64, 64)
    assert images.resize_image(0, picture, 320, 192, "Lanczos").size == (320, 192)
    grid = images.split_grid(picture, tile_w=64, tile_h=64, overlap=16)
    assert grid.tile_count == 6
    whole = images.combine_grid(grid)
    assert numpy.abs(numpy.asarray(whole).astype(int) - numpy.asarray(picture).astype(int)).max() <= 1
    assert images.image_grid([picture] * 4, rows=2).size == (320, 192)
    assert images.flatten(Image.new("RGBA", (2, 2)), "#ff0000").getpixel((0, 0)) == (255, 0, 0)


def test_devices_are_those_that_compute(here: Stage) -> None:
    import torch

    devices = door("devices")
    assert devices.device == devices.cpu == torch.device("cpu")
    assert devices.dtype == torch.float32
    assert torch.equal(devices.randn(3, (2, 2)), devices.randn(3, (2, 2)))
    with devices.autocast(), devices.without_autocast():
        pass
    devices.torch_gc()
    with pytest.raises(AttributeError, match="no 'nothing'"):
        _ = devices.nothing


def test_models_are_listed_found_and_described(here: Stage) -> None:
    models, shared = door("sd_models"), door("shared")
    title = next(iter(models.checkpoints_list))
    assert title.startswith("tiny.safetensors")
    found = models.get_closet_checkpoint_match("tiny")
    assert found.title == title
    assert models.get_closet_checkpoint_match("no such thing") is None
    assert models.model_data.get_sd_model().sd_checkpoint_info.title == title
    assert "model.diffusion_model.input_blocks.0.0.weight" in models.read_state_dict(found.filename)
    view = shared.sd_model
    assert (view.is_sd1, view.is_sd2, view.is_sdxl, view.is_ssd, view.is_flux) == (True, False, False, False, False)
    assert not hasattr(view, "conditioner")
    assert not hasattr(view, "forge_objects")


def test_weights_are_read_under_the_names_of_the_file(here: Stage) -> None:
    import torch

    models, shared = door("sd_models"), door("shared")
    file = models.read_state_dict(models.get_closet_checkpoint_match("tiny").filename)
    prefix = "model.diffusion_model."
    expected = {name.removeprefix(prefix): tensor for name, tensor in file.items() if name.startswith(prefix)}
    seen = shared.sd_model.model.diffusion_model.state_dict()
    assert set(seen) == set(expected)
    assert all(torch.equal(seen[name].reshape(-1).float(), expected[name].reshape(-1).float()) for name in expected)
    modules = dict(shared.sd_model.model.diffusion_model.named_modules())
    assert any(name.endswith("transformer_blocks.0.attn2") for name in modules)


def test_texts_are_tokenized_counted_and_encoded(here: Stage) -> None:
    hijack, view = door("sd_hijack").model_hijack, door("shared").sd_model
    assert hijack.get_prompt_lengths("a cat") == (2, 75)
    assert hijack.get_prompt_lengths(", ".join(["a cat"] * 40))[1] == 150
    clip = view.cond_stage_model
    assert clip.tokenize(["a cat"]) == [[320, 2368]]
    assert clip.tokenizer("a cat")["input_ids"] == [49406, 320, 2368, 49407]
    assert clip.wrapped.tokenizer.decode([320, 2368]) == "a cat"
    assert tuple(view.get_learned_conditioning(["a cat", "a dog"]).shape) == (2, 77, 48)
    assert hijack.embedding_db.word_embeddings == {}
    assert hijack.layers


def test_prompts_are_scheduled_and_encoded_over_the_steps(here: Stage) -> None:
    parser, view = door("prompt_parser"), door("shared").sd_model
    assert parser.get_learned_conditioning_prompt_schedules(["a [b:c:5]"], 10) == [[[5, "a b"], [10, "a c"]]]
    assert parser.parse_prompt_attention("a (b:1.5)") == [["a ", 1.0], ["b", 1.5]]
    found = parser.get_multicond_learned_conditioning(view, ["a [b:c:5] AND d:0.5"], 10)
    lists, early = parser.reconstruct_multicond_batch(found, 0)
    _, late = parser.reconstruct_multicond_batch(found, 8)
    assert lists == [[(0, 1.0), (1, 0.5)]]
    assert tuple(early.shape) == (2, 77, 48)
    assert not bool((early[0] == late[0]).all())
    assert bool((early[1] == late[1]).all())


def test_functions_of_buttons_run_in_the_queue_and_show_their_errors(here: Stage) -> None:
    import threading

    queue = door("call_queue")
    names: list[str] = []

    def work(task: str, value: int) -> tuple[int, str]:
        names.append(threading.current_thread().name)
        assert door("progress").current_task == task
        if value < 0:
            raise ValueError("<negative>")
        return value, "done"

    called = queue.wrap_gradio_gpu_call(work, extra_outputs=[None])
    value, said = called("task(1)", 3)
    assert value == 3
    assert said.startswith("done")
    value, said = called("task(2)", -1)
    assert value is None
    assert "ValueError: &lt;negative&gt;" in said
    assert names == ["engine", "engine"]
    assert door("progress").current_task is None
    with queue.queue_lock:
        assert queue.wrap_queued_call(lambda: threading.current_thread().name)() == "engine"


def test_packages_go_to_the_environment_of_extensions_or_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    import launch
    from modules.a1111 import launching

    monkeypatch.setattr(launching, "_installers", [])
    with pytest.raises(ExtensionError, match="no environment for extensions"):
        launch.run_pip("install something", "something")
    asked: list[Any] = []

    class Kept:
        def pip(self, arguments: Any, description: str) -> str:
            asked.append((list(arguments), description))
            return "ok"

    launching.use_installer(Kept())
    assert launch.run_pip('install "a b" -q', "words") == "ok"
    launch.run([launch.python, "-m", "pip", "install", "x"], "x")
    launch.run("pip uninstall y")
    assert asked == [
        (["install", "a b", "-q"], "words"),
        (["install", "x"], "x"),
        (["uninstall", "y"], "pip uninstall y"),
    ]
    assert launch.is_installed("numpy")
    assert launch.is_installed("PIL")
    assert not launch.is_installed("nothing_of_this_name")
    assert launch.run([launch.python, "-c", "print(3)"]).strip() == "3"
    with pytest.raises(RuntimeError, match="it broke"):
        launch.run([launch.python, "-c", "raise SystemExit(2)"], errdesc="it broke")
    assert launch.git_tag().startswith("v1.10")


def test_a_kind_of_network_that_an_extension_adds_is_in_force_for_its_batch(here: Stage) -> None:
    networks = door("extra_networks")
    seen: list[Any] = []

    class Mine(networks.ExtraNetwork):
        def activate(self, p: Any, params_list: Any) -> None:
            seen.append([(each.positional, each.named) for each in params_list])

        def deactivate(self, p: Any) -> None:
            seen.append("off")

    networks.register_extra_network(Mine("mine"))
    try:
        here.make(prompt="a cat <mine:x:y=2>")
        here.make(prompt="a cat")
        _, tags = networks.parse_prompts(["<mine:z>"])
        networks.activate(None, tags)
        networks.deactivate(None, tags)
    finally:
        here.dialect.extras.pop("extra networks")
    assert seen == [[(["x"], {"y": "2"})], "off", [], "off", [(["z"], {})], "off"]


def test_callbacks_of_the_program_are_called(here: Stage) -> None:
    from modules.application.infotexts import parameters_of
    from modules.hooks.events import PageEvent

    callbacks, seen = here.dialect.callbacks, list[Any]()

    def pasted(text: str, params: dict[str, Any]) -> None:
        params["Added"] = text[:5]

    callbacks.add("infotext_pasted", pasted)
    callbacks.add("app_started", lambda demo, app: seen.append((demo.title, app)))
    assert parameters_of("a cat\nSteps: 3, Sampler: Euler, Seed: 1", here.application)["Added"] == "a cat"
    here.application.hooks.app_started(PageEvent(api="api", page=SimpleNamespace(title="page")))
    callbacks.clear()
    assert seen == [("page", "api")]


def test_callbacks_can_be_called_and_looked_at_by_extensions_too(here: Stage) -> None:
    callbacks, seen = door("script_callbacks"), list[Any]()
    callbacks.on_cfg_denoiser(seen.append)
    assert [each.callback for each in callbacks.callback_map["callbacks_cfg_denoiser"]] == [seen.append]
    callbacks.cfg_denoiser_callback("params")
    callbacks.remove_callbacks_for_function(seen.append)
    callbacks.cfg_denoiser_callback("others")
    assert seen == ["params"]
    with pytest.raises(AttributeError):
        _ = callbacks.on_nothing


def test_a_runner_calls_a_method_of_all_its_scripts(here: Stage) -> None:
    runner = here.dialect.scripts_txt2img
    runner.process("p without scripts")
    with pytest.raises(AttributeError, match="no 'nothing'"):
        _ = runner.nothing
