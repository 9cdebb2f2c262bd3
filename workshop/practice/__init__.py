"""The practice services: a local stand-in for the OpenAI API and for the weather API."""
