"""The frameworks that there is a template for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Framework:
    """What a job of a framework may ask for; its environment is its template's (``templates/training/``)."""

    title: str
    multi_node: bool = True
    """Whether its workers find each other."""
    has_starter: bool = False
    """Whether it has a program that starts the processes of a worker itself (torchrun, msrun, mpirun)."""
    legacy: bool = False
    """Whether its own project has ended: kept for models that are there."""


FRAMEWORKS = {
    "pytorch": Framework("PyTorch", has_starter=True),
    "tensorflow": Framework("TensorFlow"),
    "mindspore": Framework("MindSpore", has_starter=True),
    "keras": Framework("Keras"),
    "mpi": Framework("MPI", has_starter=True),
    "scikit-learn": Framework("scikit-learn", multi_node=False),
    "xgboost": Framework("XGBoost", multi_node=False),
    "lightgbm": Framework("LightGBM", multi_node=False),
    "mxnet": Framework("MXNet", legacy=True),
    "caffe": Framework("Caffe", has_starter=True, legacy=True),
    "cntk": Framework("CNTK", has_starter=True, legacy=True),
}
"""Name of the template -> framework."""
