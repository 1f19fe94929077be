#!/usr/bin/env bash
# One visit to a machine with a graphics card, stage by stage; a stage that fails does not stop the next one.
#   campaign.sh [info] [tests] [bench] [train]     without a name: all, in this order
# MINUTES: length of the training. PRECISION=f16: on matrix units. OUT: folder for what is to be kept. DEVICE=cpu, PROBE_STEPS: for a rehearsal. RUNS: scratch.
set -uo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
RUNS="${RUNS:-/tmp/cinnabar-gpu}" MINUTES="${MINUTES:-6}" DEVICE="${DEVICE:-gpu}" PRECISION="${PRECISION:-f32}"
OUT="${OUT:-$RUNS/out}"
mkdir -p "$OUT" "$RUNS/bin"
start=$(date +%s)
say() { printf '\n===== %s  (%s s)\n' "$*" "$(($(date +%s) - start))"; }

# The loader, the driver's description, and the path that the tests were compiled at.
libraries="$(ldconfig -p)"
if [[ "$libraries" != *libvulkan.so.1* || "$libraries" != *libEGL.so.1* ]]; then
  for package in "$here"/deb/*.deb; do [ -f "$package" ] && dpkg -x "$package" /; done
  ldconfig
fi
for driver in /usr/local/nvidia/share/vulkan/icd.d /usr/share/vulkan/icd.d /etc/vulkan/icd.d; do
  [ -z "${VK_DRIVER_FILES:-}" ] && [ -f "$driver/nvidia_icd.json" ] && export VK_DRIVER_FILES="$driver/nvidia_icd.json"
done
for packed in "$here"/bin/*.gz; do
  program="$RUNS/bin/$(basename "$packed" .gz)"
  gunzip -c "$packed" > "$program" && chmod +x "$program"
done
origin="$(cat "$here/origin")"
[ -e "$origin" ] || { mkdir -p "$(dirname "$origin")"; ln -s "$(dirname "$here")" "$origin"; }
trainer="$RUNS/bin/trainer"
export XDG_CACHE_HOME="$RUNS/cache"
cat "$here/commit"

info() {
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv 2>&1 | head -3
  echo "VK_DRIVER_FILES=${VK_DRIVER_FILES:-}"
  timeout 45 "$trainer" bench -v --device "$DEVICE" --config tiny --repeats 3 --denoising-steps 3 2>&1 | head -40
}

tests() {
  for test in "$RUNS"/bin/test-*; do
    say "tests: ${test##*/test-}"
    # One after the other: each opens devices of its own, which some drivers bear badly, and a test that hangs is named.
    (cd "$(dirname "$here")" && timeout 60 "$test" --test-threads 1 2>&1 | grep -vE '^test .* ok$' | tail -40)
  done
}

bench() {
  for config in small seed; do
    for precision in f32 f16; do
      say "bench: $config, $precision"
      local name="$OUT/bench-$config-$precision"
      timeout 60 "$trainer" bench --device "$DEVICE" --config "$config" --set train.precision=$precision \
        --json "$name.json" --picture "$name.svg" 2>&1 | tee "$name.txt"
    done
  done
  say "bench: PyTorch on the same card"
  timeout 110 python3 "$here/torch_gpu.py" 2>&1 | tee "$OUT/torch.txt"
}

# run FOLDER STEPS [FLAG]...
run() {
  local out="$1" steps="$2"
  shift 2
  "$trainer" train --device "$DEVICE" --config "$here/train.toml" --data "$RUNS/corpus.txt" --out "$out" --steps "$steps" \
    --set train.precision="$PRECISION" "$@"
}

train() {
  gunzip -c "$here/corpus.txt.gz" > "$RUNS/corpus.txt"
  rm -rf "$RUNS/probe" "$RUNS/run" "$RUNS/model"
  local never=1000000 steps every
  run "$RUNS/probe" "${PROBE_STEPS:-60}" --set train.eval_every=$never --set train.sample_every=$never \
    --set train.checkpoint_every=$never 2>&1 | tail -5
  steps="$(python3 "$here/steps.py" "$RUNS/probe" "$MINUTES")" || { echo "no speed was measured"; return 1; }
  echo "$steps steps in $MINUTES minutes"
  every=$((steps / 12 + 1))
  run "$RUNS/run" "$steps" --tokenizer "$RUNS/probe/tokenizer.json" --set train.eval_every=$every \
    --set train.checkpoint_every=$((every * 3)) --set train.sample_every=$((every * 3)) --set train.keep=1 2>&1 | tail -60
  "$trainer" export --checkpoint "$RUNS/run" --out "$RUNS/model" 2>&1 | tail -3
  "$trainer" sample --checkpoint "$RUNS/model" --device "$DEVICE" --prompt "Once upon a time" --batch 4 --no-animate 2>&1 | tail -60
  tar -C "$RUNS" -czf "$RUNS/model.tar.gz" model && split -b 15m -d "$RUNS/model.tar.gz" "$OUT/model.tar.gz.part"
}

for stage in ${*:-info tests bench train}; do
  case "$stage" in
    info | tests | bench | train) say "$stage"; "$stage" ;;
    *) echo "no stage $stage: info, tests, bench, train" >&2; exit 2 ;;
  esac
done
say "done"
ls -la "$OUT"
