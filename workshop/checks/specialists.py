"""A workflow of the checks' own that runs one of the learner's specialists without any triage."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from agents import Runner


@workflow.defn(name="CheckSpecialist")
class CheckSpecialist:
    """Runs `specialist(language)` of the learner's workflows.py."""

    @workflow.run
    async def run(self, language: str, question: str) -> str:
        """The specialist's answer."""
        import workflows  # type: ignore[import-not-found]  # the learner's, first on the path

        result = await Runner.run(workflows.specialist(language), question)
        return str(result.final_output)
