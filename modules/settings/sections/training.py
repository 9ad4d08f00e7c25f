"""Training embeddings, hypernetworks and LoRAs."""

from __future__ import annotations

from typing import ClassVar

from modules.settings.declare import Section, setting


class TrainingSection(Section):
    """How trainings run, what they read and what they write down."""

    title: ClassVar[str] = "Training"
    category: ClassVar[str] = "training"

    unload_models_when_training: bool = setting(
        False, "Move VAE to RAM while training without sample pictures. Saves VRAM."
    )
    pin_memory: bool = setting(False, "Keep latents in pinned memory: faster on CUDA, at the cost of memory")
    save_optimizer_state: bool = setting(
        False, "Keep the optimizer's state beside a finished file, so that training can go on from it"
    )
    save_training_settings_to_txt: bool = setting(
        True, "Save the settings of a training to a text file in its log directory"
    )
    dataset_filename_word_regex: str = setting("", "Filename word regex")
    dataset_filename_join_string: str = setting(" ", "Filename join string")
    training_image_repeats_per_epoch: int = setting(
        1, "Rounds over all pictures that count as one epoch in the table of losses", ge=1
    )
    training_write_csv_every: int = setting(500, "Save the loss to a CSV file every N steps, 0 to disable", ge=0)
    training_enable_tensorboard: bool = setting(False, "Enable tensorboard logging.")
    training_tensorboard_save_images: bool = setting(False, "Save generated images within tensorboard.")
    training_tensorboard_flush_every: int = setting(
        120, "How often, in seconds, pending tensorboard events and summaries are flushed to the disk", ge=1
    )
    print_hypernet_extra: bool = setting(False, "Print extra hypernetwork information to console.")
