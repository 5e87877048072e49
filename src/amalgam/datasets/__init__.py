"""Datasets: versioned folders of files in the site's object store, whose published versions never change.

How a version lies in a bucket, why it cannot change, and how a deletion gets along with an upload at the same time is
in ``docs/adr/0011-a-dataset-is-a-manifest-of-content-addressed-objects.md``. Nothing here prints: this is the API of
the command line, and of whatever serves people by the web. It begins with :class:`amalgam.datasets.bucket.Bucket`;
:mod:`~amalgam.datasets.catalog`, :mod:`~amalgam.datasets.upload`, :mod:`~amalgam.datasets.download` and
:mod:`~amalgam.datasets.delete` do the rest.
"""
