"""Measurements, side by side with upstream's on the same kind of machine: `make bench`.

The load tools (apibench, proxybench, podbench) and upstream's figures are a folder of their own, next to the checkout
or where BENCH_TOOLS says; they know nothing of Sampan. Each file here brings up what one tool measures, runs it, and
compares. Nothing here is a test: a slow machine fails nobody.
"""
