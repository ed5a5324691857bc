"""The yardstick of `bench local`: PyTorch's gloo all-reduce between two processes of this machine, over loopback.

Reads one JSON object a line, {"bytes", "count"}, and answers each with one line, {"ms"}: of `count` sums one after the
other on the slower rank. The first line says what PyTorch this is. Not for: comparing (command.ts).
"""

import json
import os
import sys
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing

RANKS = 2


def join(rank, store):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=RANKS)


def measure(count, values, operands):
    """Seconds of `count` sums on this rank, from a barrier."""
    if values not in operands:
        operands[values] = torch.zeros(values)
    x = operands[values]
    dist.barrier()
    started = time.perf_counter()
    for _ in range(count):
        dist.all_reduce(x)
    return time.perf_counter() - started


def serve(rank, ask):
    """`ask` gives the next (count, values) on rank 0; a count of 0 ends it."""
    operands = {}
    while True:
        task = torch.zeros(2, dtype=torch.int64)
        if rank == 0:
            task = torch.tensor(ask(), dtype=torch.int64)
        dist.broadcast(task, 0)
        count, values = task.tolist()
        if count == 0:
            return
        slowest = torch.tensor(measure(count, values, operands))
        dist.all_reduce(slowest, op=dist.ReduceOp.MAX)
        if rank == 0:
            print(json.dumps({"ms": slowest.item() * 1e3}), flush=True)


def other(rank, store):
    join(rank, store)
    serve(rank, None)


def read_task():
    line = sys.stdin.readline()
    if not line:
        return [0, 0]
    task = json.loads(line)
    return [task["count"], task["bytes"] // 4]


if __name__ == "__main__":
    store = sys.argv[1]
    process = multiprocessing.get_context("spawn").Process(target=other, args=(1, store), daemon=True)
    process.start()
    join(0, store)
    print(json.dumps({"torch": torch.__version__}), flush=True)
    serve(0, read_task)
    process.join()
