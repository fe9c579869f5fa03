#!/usr/bin/env bash
# Installs what building Keratin needs from the distribution (Debian, Ubuntu).
# With --tests, what some tests use besides. Does nothing when all is there. Needs root or sudo to install; with neither it
# lists the packages and fails.
set -euo pipefail

# One package a line, with alternatives that serve as well.
packages=(
  "g++"
  "cmake"
  "ninja-build"
  "nlohmann-json3-dev"
  "libcli11-dev"
  "libcurl4-openssl-dev|libcurl4-gnutls-dev"
  "libdnnl-dev"
  "libfmt-dev"
  "libhdf5-dev"
  "libgif-dev"
  "libhwy-dev"
  "libspdlog-dev"
  "libspng-dev"
  "libstb-dev"
  "libturbojpeg0-dev"
  "libzip-dev"
  "zlib1g-dev"
  "doctest-dev"
)
# What some tests use (a web server, a validator of schemas) and skip without.
if [[ ${1:-} == --tests ]]; then packages=("python3" "python3-jsonschema"); fi

installed() {
  [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "install_deps: this system has no apt; install the equivalents of:" >&2
  printf '  %s\n' "${packages[@]%%|*}" >&2
  exit 1
fi

# Any compiler that CMake finds will do, whatever package it is from.
has_compiler() {
  local name
  for name in ${CXX:-c++ g++ clang++}; do
    if command -v "$name" >/dev/null; then return 0; fi
  done
  return 1
}

missing=()
for line in "${packages[@]}"; do
  IFS='|' read -ra choices <<<"$line"
  found=no
  for choice in "${choices[@]}"; do
    if installed "$choice"; then found=yes; fi
  done
  if [[ $line == "g++" ]] && has_compiler; then found=yes; fi
  if [[ $found == no ]]; then missing+=("${choices[0]}"); fi
done

if [[ ${#missing[@]} -eq 0 ]]; then
  exit 0
fi

if [[ $(id -u) -eq 0 ]]; then
  as_root=()
elif command -v sudo >/dev/null &&
  { sudo -n true 2>/dev/null || { [[ -t 0 ]] && sudo -v; }; }; then
  # sudo is there and lets us: at once, or after a password.
  as_root=(sudo)
else
  echo "install_deps: these packages are missing, and installing them needs" >&2
  echo "root or sudo; ask an administrator to run:" >&2
  echo "  apt-get install ${missing[*]}" >&2
  exit 1
fi

echo "install_deps: installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
