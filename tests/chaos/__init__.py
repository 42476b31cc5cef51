"""Does the house keep its promises while its parts die at random?

``make chaos CALLS=1000 SEED=7`` runs a house of its own processes, lets callers call, and every few
seconds lets one thing go wrong. The seed decides what each caller does (``plan``), and what goes
wrong, in which order, to whom and when (``plan``, ``faults``). Afterwards everything is compared
from outside (``proofs``): what sockets saw live (``witness``), the event logs, the archive, Redis,
LiveKit, and the processes of this machine. ``report`` says how it went, fault by fault.

A run that fails prints its seed and the folder with the logs of all processes. The same seed makes
the same plan again; what the machine does with it is its own.
"""
