"""A1111's flags that Easel accepts and ignores, so that an old command line still starts."""

from __future__ import annotations

from modules.foundation.plain import JsonMapping

IGNORED_SWITCHES = frozenset(
    {
        "--add-stop-route",
        "--administrator",
        "--always-batch-cond-uncond",
        "--deepdanbooru",
        "--disable-console-progressbars",
        "--disable-model-loading-ram-optimization",
        "--disable-nan-check",
        "--disable-opt-split-attention",
        "--disable-safe-unpickle",
        "--disable-tls-verify",
        "--do-not-download-clip",
        "--dump-sysinfo",
        "--enable-console-prompts",
        "--force-enable-xformers",
        "--gradio-debug",
        "--gradio-queue",
        "--log-startup",
        "--lowram",
        "--medvram-sdxl",
        "--no-gradio-queue",
        "--no-progressbar-hiding",
        "--no-prompt-history",
        "--opt-split-attention",
        "--opt-split-attention-invokeai",
        "--opt-split-attention-v1",
        "--opt-sub-quad-attention",
        "--reinstall-torch",
        "--reinstall-xformers",
        "--share",
        "--show-negative-prompt",
        "--skip-prepare-environment",
        "--skip-python-version-check",
        "--skip-torch-cuda-test",
        "--skip-version-check",
        "--test-server",
        "--ui-debug-mode",
        "--unload-gfpgan",
        "--upcast-sampling",
        "--update-all-extensions",
        "--update-check",
        "--use-ipex",
        "--use-textbox-seed",
        "--xformers-flash-attention",
        "-f",
    }
)
"""Flags that stand alone."""

IGNORED_WITH_VALUE = frozenset(
    {
        "--config",
        "--gradio-img2img-tool",
        "--gradio-inpaint-tool",
        "--localizations-dir",
        "--max-batch-count",
        "--ngrok",
        "--ngrok-options",
        "--ngrok-region",
        "--sub-quad-chunk-threshold",
        "--sub-quad-kv-chunk-size",
        "--sub-quad-q-chunk-size",
        "--timeout-keep-alive",
    }
)
"""Flags that take the next word as their value."""

KNOWN_DEFAULTS: JsonMapping = {
    **{name.lstrip("-").replace("-", "_"): False for name in sorted(IGNORED_SWITCHES)},
    **{name.lstrip("-").replace("-", "_"): None for name in sorted(IGNORED_WITH_VALUE)},
    "disable_tls_verify": None,
    "gradio_queue": True,
    "max_batch_count": 16,
    "filenames_max_length": 128,
    "timeout_keep_alive": 30,
    "sub_quad_q_chunk_size": 1024,
    "ngrok_region": "",
    "ngrok_options": {},
}
"""What clients that ask for A1111's flags are told of those ignored here."""
