"""The console page."""

PAGE = "<!doctype html><title>Practice services</title>"
PAGE_HEADERS = {"Cache-Control": "no-store"}
