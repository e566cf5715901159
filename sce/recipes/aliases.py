"""Keys that users of the published commands know by heart, and what each is called here.

An override is looked up by its last part: ``model.coeff`` and ``datamodule.train.global_batch_size`` are both found.
"""

ALIASES: dict[str, str] = {
    "accumulate_grad_batches": "optimisation.accumulate",
    "ckpt_path": "nothing to set: `scelab resume RUN` goes on from its newest checkpoint, "
    "and with `--devices 2` over other devices, once it said what that changes",
    "coeff": "method.contrast",
    "compile": "compute.compile",
    "devices": "compute.devices",
    "data": "data.root",
    "duration": "data.clip_s",
    "exp": "nothing to set: `--experiment NAME` gathers runs, `--name` names one",
    "global_batch_size": "optimisation.batch_size, or protocol.optimisation.batch_size of an evaluation",
    "initial_lr": "optimisation.optimizer.lr, or protocol.optimisation.optimizer.lr of an evaluation",
    "initial_momentum": "method.momentum",
    "max_epochs": "optimisation.epochs, or protocol.optimisation.epochs of an evaluation",
    "num_local_crops": "views.views, one entry a view, the global ones first",
    "num_nodes": "compute.nodes",
    "num_samples": "data.num_frames, which holds for training, validation and test",
    "num_workers": "compute.loader_workers",
    "pretrained_trunk_path": "`--checkpoint NUMBER`, or checkpoint.path for a file",
    "precision": "compute.precision",
    "queue_size": "method.queue_size",
    "root": "nothing to set: every run has a folder of its own below the folder of `scelab up --home`",
    "scaler": "optimisation.optimizer.lr_scaling",
    "seed": "seed",
    "split_id": "data.train_split and data.val_split, as in train-2 and test-2",
    "strategy": "nothing to set: several devices train side by side with their batch norms shared",
    "sym": "method.symmetric",
    "temp": "method.temperature",
    "temp_m": "method.target_temperature",
    "time_difference_prob": "views.time_difference_p",
    "trunk_pattern": "checkpoint.prefix, found out by itself; '' for released encoders",
    "use_keys": "method.use_keys",
    "warmup_epochs": "optimisation.schedule.warmup_epochs",
    "weight_decay": "optimisation.optimizer.weight_decay",
}


def alias_of(key: str) -> str | None:
    """What a key of the published commands is called here; None for one that they do not have."""
    return ALIASES.get(key.lstrip("+~").rpartition(".")[2])
