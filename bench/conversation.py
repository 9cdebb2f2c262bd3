"""A workflow for the bench: one agent, asked again and again, that keeps the whole conversation."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from agents import Agent, Runner, TResponseInputItem


@workflow.defn
class GrowingConversation:
    @workflow.run
    async def run(self, turns: int) -> int:
        agent = Agent(name="Listener", instructions="You answer in one sentence.")
        said: list[TResponseInputItem] = []
        for turn in range(turns):
            said.append({"role": "user", "content": f"Question {turn:04}: ".ljust(400, ".")})
            said = (await Runner.run(agent, said)).to_input_list()
        return len(said)
