"""What a process holds of the machine's memory, in bytes (Linux)."""

from pathlib import Path

MEGABYTE = 1024 * 1024


def resident(pid: int) -> int:
    return _said(pid, "VmRSS:")


def peak(pid: int) -> int:
    """The most that it ever held, or since `forget_peak`."""
    return _said(pid, "VmHWM:")


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")


def _said(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(status.partition(name)[2].split()[0]) * 1024
