"""Bytes in the buckets of the object store for collectd. Python's own library and curl only, 3.9 and later."""
