"""The helper package of the Durable AI Agents workshop. The solutions never import it."""
