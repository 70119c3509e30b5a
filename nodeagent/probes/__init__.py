"""Is a container alive, ready, started? check.py asks, verdict.py counts, manager.py keeps the time.

    startup ──success──► liveness  (failed: the container is restarted)
                         readiness (failed: no traffic)                 each every periodSeconds, each in its own task

A verdict is told through a callback; what follows from it is decided in nodeagent/pods. The first readiness check comes
right after the start, so that a pod which is ready at once is ready at once.
"""
