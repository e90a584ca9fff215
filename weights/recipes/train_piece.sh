#!/bin/bash
# One timed piece of a training run, for a machine that is lent for minutes:
#   train_piece.sh RECIPE DATA RUN MINUTES OUT [more options of `vidtrack train`]
# DATA is a folder with piece-*.tar (pack_data.py) or the unpacked tree, and becomes VIDTRACK_SHARED. RUN may hold the
# state of an earlier piece. Everything to go on from, and the weights as they are now, end up in OUT, in place of what
# an earlier piece left there: of the small model 8 files, none over 16 MiB. Ends with the status of `vidtrack train`.
set -euo pipefail
recipe=$1 data=$2 run=$3 minutes=$4 out=$5
shift 5
for piece in "$data"/piece-*.tar; do
    if [ -e "$piece" ]; then
        tar -xf "$piece" -C "$data"
        rm "$piece"
    fi
done
[ -e "$data/init.safetensors" ] && set -- --init "$data/init.safetensors" "$@"
export VIDTRACK_SHARED=$data
status=0
python3 -m vidtrack train "$recipe" --out "$run" --resume --max-minutes "$minutes" --quiet "$@" || status=$?
if [ -e "$run/state/latest.json" ]; then # none where it ended before the first save
    rm -rf "$out/state"
    mkdir -p "$out/state"
    cp -r "$run"/state/latest.json "$run"/state/step-??????? "$out/state/"
    cp "$run/metrics.jsonl" "$run/model.safetensors" "$out/"
    tail -n 2 "$run/metrics.jsonl" | cut -c 1-400
fi
exit "$status"
