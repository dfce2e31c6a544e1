"""How the processes of one job meet, share what the first one knows, and part."""

import contextlib
import ctypes
import os
import signal
import socket
import sys
from typing import Any

import deepspeed
import torch

STOP_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def end_with_launcher() -> None:
    """A rank whose launcher was killed would train on without anybody who looks after it. Linux only."""
    if "LOCAL_RANK" not in os.environ or sys.platform != "linux":
        return
    launcher = os.getppid()
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != launcher or launcher == 1:
        sys.exit("the launcher is gone")


def note_signals() -> list[int]:
    """Signals to stop, in a list that grows when one comes: the step in hand is finished first."""
    told: list[int] = []
    for name in STOP_SIGNALS:
        signal.signal(name, lambda number, _: told.append(number))
    return told


def join_processes() -> None:
    """Meets the other processes; without a launcher there are none. Before anything of Trainer's, which else counts one process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        alone = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    for name, value in {"WORLD_SIZE": "1", "LOCAL_RANK": "0", **alone}.items():
        os.environ.setdefault(name, value)
    # An operator for CPUs that is compiled for minutes at its first use; a build that is killed leaves a lock that nobody opens.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    deepspeed.init_distributed()


def share(values: list[Any]) -> list[Any]:
    """The first process's values, on every process."""
    torch.distributed.broadcast_object_list(values, src=0)
    return values


def part() -> None:
    """The others wait until the first is done: one that leaves early looks lost to it. When it is, nothing matters any more."""
    with contextlib.suppress(RuntimeError):
        share([None])
        torch.distributed.destroy_process_group()
