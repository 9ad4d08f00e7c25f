"""The one object that holds the state of a running Easel: settings, checkpoints, hooks, the queue of jobs."""
