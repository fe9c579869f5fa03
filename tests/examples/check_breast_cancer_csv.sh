#!/bin/sh
# check_breast_cancer_csv.sh PROGRAM TABLE.csv.gz DATA
#
# The breast cancer example from CSV files in Kaggle's layout (id, diagnosis M or
# B, thirty measurements, a comma at the end): the repository's table written so,
# and the original where KERATIN_DATA (else DATA) has it. The example itself
# fails when an average accuracy is below 0.965.
set -eu
program=$1
table=$2
data=${KERATIN_DATA:-$3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

gzip -dc "$table" | awk -F, -v OFS=, '
  NR == 1 {
    printf "\"id\",\"diagnosis\""
    for (i = 1; i <= 30; ++i) printf ",\"feature_%d\"", i
    print ","
    next
  }
  { label = $31 == 0 ? "M" : "B"; $31 = ""; print 842300 + NR, label, $0 }
' >"$work/table.csv"
echo "-- $(basename "$table") as CSV"
"$program" "$work/table.csv"

echo "-- a label that is neither M nor B"
sed 's/,M,/,X,/' "$work/table.csv" >"$work/wrong.csv"
if "$program" "$work/wrong.csv" >"$work/said" 2>&1; then
  echo "expected a failure"
  exit 1
fi
cat "$work/said"
grep -qF "expected one of the 2 classes, got 'X'" "$work/said"

original=$data/datasets/tabular/breast_cancer_data_kaggle_layout.csv
if [ -e "$original" ]; then
  echo "-- $original"
  "$program" "$original"
fi
