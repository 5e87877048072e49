"""The claim in every virtual cluster that holds checkpoints, logs and TensorBoard's files of its training jobs."""

from amalgam_stacks.stack import site_of_stack
from amalgam_stacks.training import TrainingVolumes, TrainingVolumesArgs

TrainingVolumes("training", TrainingVolumesArgs(volumes=site_of_stack().training_volumes))
