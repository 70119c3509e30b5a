import asyncio

from tests.integration.api_coverage.document import FILE, render, served

FILE.write_text(render(asyncio.run(served())))
