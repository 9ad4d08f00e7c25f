"""Extra networks as a built-in feature: what the tags of a batch's first prompt ask for is in force for that batch.

It attaches to the public hooks, as an extension would.
"""

from __future__ import annotations

import contextlib
import logging
import weakref
from collections.abc import Generator, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from modules.foundation.errors import NetworkError, Refused
from modules.generation.plan import Plan
from modules.hooks.events import RunEvent
from modules.hooks.points import Hooks
from modules.library.digests import SHORT_NETWORK
from modules.library.facts import stamp_of
from modules.networks.catalogue import NetworkCatalogue
from modules.networks.file import Network, check_fit, read_network
from modules.networks.hashes import label
from modules.networks.hypernetwork import Hypernetwork, hypernetworks, read_hypernetwork
from modules.networks.info import NetworkInfo
from modules.networks.keys import ModuleIndex
from modules.networks.merge import Patcher, Use
from modules.networks.tags import read_tags
from modules.pipeline.model import LoadedModel
from modules.prompts.networks import NetworkTag
from modules.settings.model import Settings
from modules.text_encoders.textual_inversion import TextualInversion

log = logging.getLogger(__name__)

OWNER = "Extra networks"
ROOM = 0.4
"""The share of a device's memory that must stay free for original weights to be kept on it beside merged ones."""


@dataclass(kw_only=True, eq=False)
class _InForce:
    """What one batch, or one pass over it, has in force. `run` is the list of warnings that only its run has."""

    run: list[str] = field(default_factory=list[str])
    uses: list[Use] = field(default_factory=list[Use])
    hypernetworks: list[tuple[Hypernetwork, float]] = field(default_factory=list[tuple[Hypernetwork, float]])
    embeddings: tuple[TextualInversion, ...] = ()
    hashes: dict[str, Future[str]] = field(default_factory=dict[str, "Future[str]"])


class ExtraNetworks:
    """Reads networks, merges them into whichever model is loaded, and says so in the infotext."""

    def __init__(self, catalogue: NetworkCatalogue) -> None:
        self.catalogue = catalogue
        self._stack: list[_InForce] = []
        self._patchers: weakref.WeakKeyDictionary[LoadedModel, Patcher] = weakref.WeakKeyDictionary()
        self._verdicts: weakref.WeakKeyDictionary[LoadedModel, weakref.WeakKeyDictionary[Network, str | None]]
        self._verdicts = weakref.WeakKeyDictionary()
        self._networks: dict[NetworkInfo, Network] = {}
        self._hypernetworks: dict[NetworkInfo, tuple[object, Hypernetwork]] = {}
        self._bundled: weakref.WeakKeyDictionary[Network, tuple[TextualInversion, ...]] = weakref.WeakKeyDictionary()
        self._hashes: dict[tuple[NetworkInfo, object], Future[str]] = {}

    def attach(self, hooks: Hooks) -> None:
        """Take part in every run."""
        hooks.plan.attach(OWNER, self.with_chosen_networks)
        hooks.around_batch.attach(OWNER, self.in_force)
        hooks.around_pass.attach(OWNER, self.in_force)
        hooks.conditioning_state.attach(OWNER, self.conditioning_state)
        hooks.embeddings.attach(OWNER, self.embeddings)
        hooks.infotext_fields.attach(OWNER, self.with_hashes)

    def close(self, hooks: Hooks) -> None:
        """Leave the hooks."""
        hooks.detach_owner(OWNER)

    def patcher(self, model: LoadedModel) -> Patcher:
        """What merges networks into `model`."""
        if model not in self._patchers:
            checkpoint = model.checkpoint
            index = ModuleIndex(checkpoint.unet, checkpoint.text_models)
            self._patchers[model] = Patcher(index, _place_aside)
        return self._patchers[model]

    def rest(self, model: LoadedModel) -> None:
        """Free what was kept for a model that is not in use any more; not while networks are in force on it."""
        patcher = self._patchers.get(model)
        if patcher is not None and not patcher.active:
            patcher.forget()

    # Hooks

    def with_chosen_networks(self, plan: Plan, event: RunEvent) -> Plan:
        """The plan with a tag for each network that the settings add to every prompt."""
        plan = _with_tags(plan)
        if plan.hires is None:
            return plan
        return replace(plan, hires=replace(plan.hires, second=_with_tags(plan.hires.second)))

    @contextlib.contextmanager
    def in_force(self, event: RunEvent) -> Generator[None]:
        """Have the networks of a batch in force within the block."""
        assert event.plan is not None
        # A batch shares one model, and so the networks of its first picture.
        first = next(iter(event.plan.network_tags[event.pictures]), ())
        with self.of_tags(first, event):
            yield

    @contextlib.contextmanager
    def of_tags(self, tags: Sequence[NetworkTag], event: RunEvent) -> Generator[None]:
        """Have the networks of these tags in force within the block, and none of those around it.

        What cannot be used is told to the user and left out. Raises Refused where the settings want that.
        """
        model, plan = event.model, event.plan
        assert isinstance(model, LoadedModel)
        assert plan is not None
        problems: list[str] = []
        wanted = () if event.request.disable_extra_networks else tags
        if event.stage == "refiner":
            # As in A1111, a LoRA is for the model that begins; hypernetworks go on with the refiner.
            wanted = [tag for tag in wanted if tag.kind == "hypernet"]
        current = self._gather(wanted, model, plan.settings, problems)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self.patcher(model).using(current.uses))
            except (NetworkError, torch.OutOfMemoryError) as error:
                problems.append(f"The networks could not be merged and were left out: {error}")
                current = _InForce()
                stack.enter_context(self.patcher(model).using([]))
            if event.stage == "refiner":  # what is wrong with the tags was said when the run began
                problems.clear()
            if problems and plan.settings.lora_not_found_is_error:
                raise Refused(" ".join(problems), "prompt")
            event.warn(*problems)
            stack.enter_context(hypernetworks(model.checkpoint.unet, current.hypernetworks))
            current.run = event.warnings
            for around in self._of_run(event):
                around.hashes.update({name: each for name, each in current.hashes.items() if name not in around.hashes})
            stack.enter_context(self._remembered(current))
            self._forget_unused(plan.settings.lora_in_memory_limit)
            yield

    def conditioning_state(self, event: RunEvent) -> list[Hashable]:
        """What tells the present state of the text encoders from others."""
        return [
            (use.network.info, use.network.stamp, use.te, use.rank)
            for use in self._current.uses
            if use.te != 0.0 and use.network.changes_text
        ]

    def embeddings(self, event: RunEvent) -> list[TextualInversion]:
        """Textual inversions that came with networks."""
        return list(self._current.embeddings)

    def with_hashes(self, fields: dict[str, object], event: RunEvent) -> dict[str, object]:
        """The parameters with the networks' hashes, which follow those of the second pass."""
        outermost = next(self._of_run(event), None)
        hashes = {name: self._short(future) for name, future in outermost.hashes.items()} if outermost else {}
        text = ", ".join(f"{name}: {digest}" for name, digest in hashes.items() if digest)
        assert event.plan is not None
        if not text or not event.plan.settings.lora_add_hashes_to_infotext:
            return fields
        hires = {key: value for key, value in fields.items() if key.startswith("Hires ")}
        return {**hires, "Lora hashes": text, **{key: fields[key] for key in fields if key not in hires}}

    # What is in force

    @property
    def uses(self) -> Sequence[Use]:
        """The networks that are merged at this moment."""
        return tuple(self._current.uses)

    @property
    def _current(self) -> _InForce:
        return self._stack[-1] if self._stack else _InForce()

    def _of_run(self, event: RunEvent) -> Iterator[_InForce]:
        """What the run of `event` has in force, outermost first; not what a run around it has."""
        return (each for each in self._stack if each.run is event.warnings)

    @contextlib.contextmanager
    def _remembered(self, current: _InForce) -> Generator[None]:
        self._stack.append(current)
        try:
            yield
        finally:
            self._stack.pop()

    def _gather(
        self, tags: Sequence[NetworkTag], model: LoadedModel, settings: Settings, problems: list[str]
    ) -> _InForce:
        """Read the networks that are wished for; those that cannot be used are left out, with a sentence for each."""
        current = _InForce()
        missing: list[str] = []
        requests, misunderstood = read_tags(tags)
        problems += misunderstood
        for request in requests:
            info = self.catalogue.find(request.kind, request.name)
            if info is None:
                missing.append(request.name)
                continue
            try:
                if request.kind == "hypernet":
                    current.hypernetworks.append((self._hypernetwork(info), request.te))
                    continue
                network = self._network(info)
                self._check(network, model)
            except NetworkError as error:
                problems.append(str(error))
                continue
            current.uses.append(Use(network=network, te=request.te, unet=request.unet, rank=request.rank))
            current.hashes.setdefault(label(request.name), self._hash(network))
            current.embeddings += self._embeddings_of(network, settings)
        if missing:
            problems.append(f"Networks not found: {', '.join(missing)}")
            if settings.lora_not_found_warning_console:
                log.warning("Networks not found: %s", ", ".join(missing))
        return current

    def _check(self, network: Network, model: LoadedModel) -> None:
        """Raise NetworkError if the network does not belong to the model; found out once."""
        verdicts = self._verdicts.setdefault(model, weakref.WeakKeyDictionary())
        if network not in verdicts:
            try:
                check_fit(network, self.patcher(model).index, model.checkpoint.family.name)
                verdicts[network] = None
            except NetworkError as error:
                verdicts[network] = str(error)
        if (problem := verdicts[network]) is not None:
            raise NetworkError(problem)

    def _network(self, info: NetworkInfo) -> Network:
        known = self._networks.get(info)
        if known is None or known.stamp != stamp_of(info.path):
            try:
                known = read_network(info)
            except NetworkError as error:
                self.catalogue.note_problem(info, str(error))
                raise
        # Those used last are at the end.
        self._networks.pop(info, None)
        self._networks[info] = known
        return known

    def _hypernetwork(self, info: NetworkInfo) -> Hypernetwork:
        stamp = stamp_of(info.path)
        known = self._hypernetworks.get(info)
        if known is None or known[0] != stamp:
            known = stamp, read_hypernetwork(info)
        self._hypernetworks[info] = known
        return known[1]

    def _forget_unused(self, limit: int) -> None:
        used = {use.network.info for each in self._stack for use in each.uses}
        idle = [info for info in self._networks if info not in used]
        for info in idle[: max(len(idle) - max(limit, 0), 0)]:
            del self._networks[info]
        used = {network.info for each in self._stack for network, _ in each.hypernetworks}
        self._hypernetworks = {info: known for info, known in self._hypernetworks.items() if info in used}

    def _embeddings_of(self, network: Network, settings: Settings) -> tuple[TextualInversion, ...]:
        """The same objects each time, so that what was encoded with them is remembered."""
        if network not in self._bundled:
            named = network.info.name if settings.lora_bundled_ti_to_infotext else ""
            self._bundled[network] = tuple(
                _bundled(name, tensors, named) for name, tensors in network.embeddings.items()
            )
        return self._bundled[network]

    def _hash(self, network: Network) -> Future[str]:
        key = network.info, network.stamp
        if key not in self._hashes:
            self._hashes[key] = self.catalogue.begin_hash(network.info)
        return self._hashes[key]

    def _short(self, future: Future[str]) -> str:
        try:
            return future.result()[:SHORT_NETWORK]
        except OSError as error:
            log.warning("A network could not be hashed: %s", error)
            return ""


def _with_tags(plan: Plan) -> Plan:
    settings = plan.settings
    added = ""
    for kind, chosen in (("lora", settings.sd_lora), ("hypernet", settings.sd_hypernetwork)):
        mentioned = any(tag.kind == kind and tag.items[0] == chosen for tag in plan.network_tags[0])
        if chosen and chosen != "None" and not mentioned:
            added += f"<{kind}:{chosen}:{settings.extra_networks_default_multiplier}>"
    return replace(plan, prompts=tuple(prompt + added for prompt in plan.prompts)) if added else plan


def _bundled(name: str, tensors: Mapping[str, Tensor], digest: str) -> TextualInversion:
    """A textual inversion out of a network file, in the form of either kind of embedding file."""
    found: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        vectors = tensor.reshape(-1, tensor.shape[-1]).float()
        found[key if key in ("clip_l", "clip_g") else ""] = vectors
    return TextualInversion(name=name, tensors=found, digest=digest)


def _place_aside(tensor: Tensor) -> torch.device:
    """Where to keep a tensor that makes room for another of its size: beside it, or in host memory if room is short."""
    if tensor.device.type != "cuda":
        return tensor.device
    free, total = torch.cuda.mem_get_info(tensor.device)
    return tensor.device if free > ROOM * total else torch.device("cpu")
