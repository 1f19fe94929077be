#!/usr/bin/env bash
# Lays what a bare x86-64 Linux machine with a graphics card needs into .gpu/. See README.md beside this script.
#   tools/gpu/pack.sh --data FILE [--config FILE]
set -euo pipefail
tools="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$tools/../.." && pwd)"
cd "$root"

data="" config="$tools/stories.toml"
while [ $# -gt 0 ]; do
  case "$1" in
    --data) data="$2"; shift 2 ;;
    --config) config="$2"; shift 2 ;;
    *) echo "unknown argument $1; usage: pack.sh --data FILE [--config FILE]" >&2; exit 2 ;;
  esac
done
[ -f "$data" ] || { echo "--data must name the corpus to train on" >&2; exit 2; }
[ -f "$config" ] || { echo "no settings at $config" >&2; exit 2; }

rm -rf .gpu
mkdir -p .gpu/bin .gpu/deb
# Test programs know the path that they were compiled at.
echo "$root" > .gpu/origin
git log -1 --format='%h %s' > .gpu/commit

echo "== program"
cargo build --release -q -p trainer
strip -o .gpu/bin/trainer target/release/trainer

echo "== tests that run shaders"
cargo test -q --workspace --no-run --message-format=json 2>/dev/null | python3 "$tools/test_programs.py" |
  while read -r name file; do strip -o ".gpu/bin/test-$name" "$file"; done

# NVIDIA's driver answers only where it finds EGL's libraries, too.
echo "== Vulkan loader and EGL"
(cd .gpu/deb && apt-get download -qq libvulkan1 libegl1 libglvnd0 libgl1 libglx0 libgles2 libopengl0 2>/dev/null) ||
  echo "apt has no loader to give: the other machine must have its own"

echo "== corpus, settings, scripts"
gzip -9 -c "$data" > .gpu/corpus.txt.gz
cp "$config" .gpu/train.toml
cp "$tools/campaign.sh" "$tools/torch_gpu.py" "$tools/steps.py" .gpu/
gzip -9 .gpu/bin/*

du -sh .gpu
[ "$(du -sk .gpu | cut -f1)" -lt 60000 ] || { echo "more than 60 MB: take a shorter corpus" >&2; exit 1; }
