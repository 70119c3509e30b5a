"""Every path of v1.37's API, asked of our server: `python -m tests.integration.api_coverage` writes docs/api.md."""
