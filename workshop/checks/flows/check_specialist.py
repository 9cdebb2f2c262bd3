"""A workflow of the checks' own that runs one of the learner's specialists without any triage.

Beside the learner's files on the path, not in a package: the sandbox imports it as it imports theirs.
"""

import workflows  # type: ignore[import-not-found]  # the learner's
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from agents import Runner


@workflow.defn
class CheckSpecialist:
    """Runs `specialist(language)`."""

    @workflow.run
    async def run(self, language: str, question: str) -> str:
        """The specialist's answer."""
        result = await Runner.run(workflows.specialist(language), question)
        return str(result.final_output)
