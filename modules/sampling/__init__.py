"""Sampling: from noise to a latent picture.

    model_schedule   the discrete noise levels that a checkpoint was trained on
    schedules        which noise levels a run visits (Karras, Exponential, ...)
    denoiser         a network's raw output -> a denoised latent or a noise estimate
    guidance         conditional and unconditional estimates -> one guided estimate
    samplers/        the solvers, one plain function each, and their names
    noise, brownian, philox     every random number of a run, image by image
    loop             start, run and watch a sampler
    preview          a small picture of a latent while it is being made

Nothing here knows prompts, text encoders or files; networks arrive as plain callables.
"""
