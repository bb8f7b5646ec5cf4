"""Several processes by torchrun: one run and one set of files."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import torch

from training.dataset.classes import REPOSITORY_ROOT
from training.train.distributed import ProcessRank, process_group

RECIPE = "batch_size = 8\nlearning_rate = 0.02\nmixed_precision = false\n[[stages]]\nepochs = 2\nsize = 32\n"


def test_every_process_gets_its_own_part_of_the_batches_and_as_many() -> None:
    items = [torch.tensor(number) for number in range(7)]
    parts = [[int(item) for item in ProcessRank(rank, 2, torch.device("cpu")).shard(items)] for rank in range(2)]
    assert parts == [[0, 2, 4], [1, 3, 5]]
    assert [int(item) for item in ProcessRank(0, 1, torch.device("cpu")).shard(items)] == list(range(7))


def test_one_process_is_the_main_one_and_wraps_nothing() -> None:
    with process_group() as process:
        network = torch.nn.Linear(2, 2)
        assert process.is_main
        assert process.wrap(network) is network


def test_torchrun_trains_with_two_processes(toy: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "small.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    output = tmp_path / "run"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "training"]
    command += ["train", str(toy), str(output), "--recipe", str(recipe)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        command, cwd=REPOSITORY_ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    with (output / "history.csv").open(encoding="utf-8", newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]
    assert (output / "best.safetensors").exists()
    assert done.stdout.count("epoch 2/2") == 1
