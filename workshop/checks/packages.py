"""The packages that learners' files import."""

import gc

TEMPORAL_ALONE = ("02",)  # exercises without an agent


def import_packages(number: str = "") -> None:
    """Imports those of an exercise, by default of all, lazy parts too, so that forks of this process need not.

    Nothing here may start a thread.
    """
    import httpx
    import temporalio.envconfig
    import temporalio.testing
    import temporalio.worker.workflow_sandbox._in_sandbox

    httpx.AsyncClient()
    if number not in TEMPORAL_ALONE:
        import openai
        import temporalio.openai_agents  # noqa: F401

        openai.AsyncOpenAI(api_key="practice", base_url="http://127.0.0.1:1/v1").responses  # noqa: B018
    # Forks share what is not touched, and a garbage collection would touch it all.
    gc.freeze()
    gc.disable()
