"""What published traces of clusters say of jobs for training: how heavy their tails are.

The moments are those that the authors of the Acme trace computed in the same way for their own two
clusters and for the public ones (table `data/cluster_summary.csv` of the trace): numbers of GPU
jobs, mean and median run time, mean and median number of GPUs, and GPU time in all. Medians of GPUs
are 1 (PAI: shared GPUs, left out).

A log-normal X has mean / median = exp(spread^2 / 2), and for two of them with correlation r of
their logarithms E[X Y] = E[X] E[Y] exp(r spread_X spread_Y): so the spreads of duration and size
and their correlation follow from these moments alone.

References
----------
Hu, Q. et al. (2024): Characterization of Large Language Model Development in the Datacenter, NSDI
(Seren, Kalos; the table). Hu, Q. et al. (2021): Characterization and Prediction of Deep Learning
Workloads in Large-Scale GPU Datacenters, SC (Helios). Jeon, M. et al. (2019): Analysis of
Large-Scale Multi-Tenant GPU Clusters for DNN Training Workloads, USENIX ATC (Philly).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

__all__ = ["HELIOS", "KALOS", "TRACES", "Trace"]


@dataclass(frozen=True, slots=True)
class Trace:
    """Moments of the GPU jobs of a trace.

    Attributes
    ----------
    jobs
        How many.
    mean_s, median_s
        Run time [s].
    mean_gpus, median_gpus
        GPUs of a job.
    gpu_s
        GPU time of all of them [GPU-s].
    """

    jobs: int
    mean_s: float
    median_s: float
    mean_gpus: float
    median_gpus: float
    gpu_s: float

    @property
    def median_hours(self) -> float:
        """Median run time [h]."""
        return self.median_s / 3600

    @property
    def hours_spread(self) -> float:
        """Standard deviation of the logarithm of the run time."""
        return sqrt(2 * log(self.mean_s / self.median_s))

    @property
    def size_spread(self) -> float:
        """Standard deviation of the logarithm of the number of GPUs."""
        return sqrt(2 * log(self.mean_gpus / self.median_gpus))

    @property
    def hours_with_size(self) -> float:
        """Correlation of the two logarithms."""
        together = self.gpu_s / (self.jobs * self.mean_s * self.mean_gpus)
        return log(together) / (self.hours_spread * self.size_spread)


PHILLY = Trace(112_956, 18_006.055, 874.0, 1.928, 1.0, 6.894753e9)
HELIOS = Trace(1_580_464, 6_651.681, 206.0, 3.716, 1.0, 7.799774e10)
SEREN = Trace(663_813, 1_414.335, 122.0, 5.68, 1.0, 2.1510625e10)
KALOS = Trace(19_907, 1_259.689, 124.0, 26.77, 1.0, 5.33318e9)

TRACES = {"philly": PHILLY, "helios": HELIOS, "seren": SEREN, "kalos": KALOS}
"""Moments by cluster; GPU time is the sum of completed, cancelled and failed jobs."""
