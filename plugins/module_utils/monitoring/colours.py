"""The colours of every picture of a network: the drawing in the documentation, the network page.

Each on light and on dark ground. Text on any of the grounds has a contrast of at least 4.5 to 1, lines and marks
3 to 1.
"""

from __future__ import annotations

COLOURS = {
    "ground": ("#ffffff", "#14171c"),
    "host": ("#f3f4f6", "#1e232b"),
    "edge": ("#c3c8d0", "#47505e"),
    "text": ("#1b1f24", "#eceff4"),
    "quiet": ("#545d6b", "#bac3cf"),
    "shared": ("#e2e5ea", "#2f3743"),
    "org0": ("#fde8c8", "#5a4314"),
    "org1": ("#d3e6fb", "#173f66"),
    "org2": ("#d8f0dc", "#1b4d2a"),
    "org3": ("#efdcf5", "#4c2a58"),
    "org4": ("#fbdcdc", "#5f2626"),
}
ORGANIZATIONS = [name for name in COLOURS if name.startswith("org")]

# Of the page alone: verdicts, and the thread of each channel.
STATES = {
    "good": ("#1a7f3c", "#56d27b"),
    "warn": ("#9a5b00", "#f2b13d"),
    "bad": ("#c0262d", "#ff7b77"),
    "gone": ("#5d6673", "#9aa5b5"),
    "accent": ("#1f5fae", "#74b3ff"),
}
THREADS = {
    "thread0": ("#1f5fae", "#74b3ff"),
    "thread1": ("#8a3fa0", "#d79bea"),
    "thread2": ("#0b7a75", "#4fd0c7"),
    "thread3": ("#a34a12", "#f4a06b"),
    "thread4": ("#a3245f", "#f58bb9"),
    "thread5": ("#5a6b00", "#c3d34d"),
}
