#!/usr/bin/env bash
# Style and types: Python (ruff, mypy), the pages (Biome), shell scripts (ShellCheck). Quiet when all is well.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PWD/.venv/bin:$PATH

mapfile -t scripts < <(grep -rIlE '^#!/bin/sh|^#!/usr/bin/env bash|^# shellcheck shell=' .ci examples hooks tests)

ruff check --quiet .
ruff format --quiet --check .
mypy
biome lint --error-on-warnings .
shellcheck --external-sources "${scripts[@]}"
