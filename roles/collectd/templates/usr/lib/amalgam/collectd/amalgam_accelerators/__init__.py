"""Readings of NVIDIA GPUs and Ascend NPUs for collectd. Python's own library only, 3.9 and later."""
