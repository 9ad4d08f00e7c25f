"""The machine: where models are looked for."""

from __future__ import annotations

from typing import ClassVar, Literal

from modules.settings.declare import Section, setting


class ProfilerSection(Section):
    """A trace of each generation: which code takes how much of the machine. chrome://tracing and Perfetto open it."""

    title: ClassVar[str] = "Profiler"
    category: ClassVar[str] = "system"

    profiling_enable: bool = setting(False, "Write a trace of each generation; it slows down what it measures")
    profiling_activities: list[Literal["CPU", "CUDA"]] = setting(["CPU"], "Activities", choices=("CPU", "CUDA"))
    profiling_record_shapes: bool = setting(True, "Record shapes")
    profiling_profile_memory: bool = setting(True, "Profile memory")
    profiling_with_stack: bool = setting(True, "Include python stack")
    profiling_filename: str = setting("trace.json", "Profile filename, in the data folder; each generation replaces it")


class SystemSection(Section):
    """Where Easel looks for models, and what it tells on the console."""

    title: ClassVar[str] = "System"
    category: ClassVar[str] = "system"

    samples_log_stdout: bool = setting(False, "Print the parameters of every saved picture to the console")
    dump_stacks_on_signal: bool = setting(
        False, "Print where every thread stands when the program is ended by a signal"
    )
    list_hidden_files: bool = setting(True, "Load models/files in hidden directories")
    disabled_extensions: list[str] = setting([], "Disable these extensions", restart=True)
    disable_all_extensions: str = setting(
        "none", "Disable all extensions", choices=["none", "extra", "all"], restart=True
    )
    further_model_folders: list[str] = setting(
        [], "Further folders of models: an A1111 folder, or one laid out like its models folder"
    )
