# Sourced by the other scripts: what has to be installed, and how a preset is configured and built.
# shellcheck shell=bash

build_packages=(g++ cmake ninja-build pkgconf nlohmann-json3-dev libcli11-dev libfmt-dev libonig-dev libicu-dev libedit-dev liblzma-dev zlib1g-dev libzstd-dev libbz2-dev
                libboost1.81-dev)
test_packages=(libgtest-dev)
torch_packages=(python3-venv)
ci_packages=(ccache clang clang-format clang-tidy libclang-rt-14-dev)

# What each group provides, for systems whose packages we do not know: programs and headers.
build_programs=(g++ cmake ninja pkg-config)
build_headers=(nlohmann/json.hpp CLI/CLI.hpp fmt/format.h oniguruma.h unicode/uchar.h histedit.h lzma.h zlib.h zstd.h bzlib.h boost/asio/version.hpp)
test_headers=(gtest/gtest.h)
torch_programs=(python3)
ci_programs=(ccache clang++ clang-format clang-tidy)

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Every script explains itself by the comment at its head.
case ${1-} in
  -h | --help)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
mkdir -p build

# is_present GROUP...: every program and header of the groups is there, wherever it came from.
is_present() {
  local group programs headers item
  for group in "$@"; do
    programs="${group}_programs[@]" headers="${group}_headers[@]"
    for item in ${!programs-}; do command -v "$item" >/dev/null || return 1; done
    for item in ${!headers-}; do
      g++ -std=c++20 -fsyntax-only -x c++ -include "$item" /dev/null 2>/dev/null || return 1
    done
  done
}

is_debian_12() {
  (. /etc/os-release 2>/dev/null && [ "${ID-}" = debian ] && [ "${VERSION_ID-}" = 12 ])
}

# install_packages GROUP...: makes the packages of the groups present, or says which are needed and stops.
install_packages() {
  local group list item needed=() missing=() root=()
  for group in "$@"; do
    list="${group}_packages[@]"
    needed+=("${!list}")
  done
  if ! is_debian_12; then
    is_present "$@" && return
    echo "This script installs packages on Debian 12 only. Please install the equivalents of these" >&2
    echo "Debian packages and run it again: ${needed[*]}" >&2
    exit 1
  fi
  for item in "${needed[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$item" 2>/dev/null)" = installed ] || missing+=("$item")
  done
  [ ${#missing[@]} = 0 ] && return
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
      is_present "$@" && return
      echo "These packages are missing, and neither root rights nor sudo are there to install them: ${missing[*]}" >&2
      exit 1
    fi
    root=(sudo)
  fi
  echo "Installing ${missing[*]}"
  local options=(-qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)
  logged build/install.log "${root[@]}" apt-get "${options[@]}" update
  logged build/install.log "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get "${options[@]}" install -y --no-install-recommends "${missing[@]}"
}

# logged FILE COMMAND...: runs the command with its output in FILE; shows the end of it and stops on failure.
logged() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 && return
  tail -n 40 "$log" >&2
  echo "Failed: $* (whole output: $log)" >&2
  exit 1
}

# configure PRESET [CMAKE ARGUMENT...]: into build/PRESET, with ccache where there is one. It takes paths as relative to
# the checkout, so that one cache serves every clone, and accepts precompiled headers.
configure() {
  local preset=$1 cache="env;CCACHE_BASEDIR=$PWD;CCACHE_NOHASHDIR=1;CCACHE_SLOPPINESS=pch_defines,time_macros;ccache"
  shift
  if command -v ccache >/dev/null; then set -- "-DCMAKE_CXX_COMPILER_LAUNCHER=$cache" "$@"; fi
  logged "build/configure-$preset.log" cmake --preset "$preset" "$@"
}

# slowest_tests PRESET COUNT: the tests that took longest when the preset's tests ran last, with their seconds.
slowest_tests() {
  sed -n 's/.*<testcase name="\([^"]*\)".* time="\([0-9.]*\)".* classname="\([^"]*\)".*/\2 \3.\1/p' build/"$1"/results/*.xml |
    sort -rn | sed -n "1,$2p" | while read -r seconds name; do printf '%9.2f  %-8s %s\n' "$seconds" "$1" "$name"; done
}

# failed_tests PRESET: what failed when the preset's tests ran last: ctest's tests, then each assertion.
failed_tests() {
  sed "s/^[0-9]*:/FAILED   $1  /" build/"$1"/Testing/Temporary/LastTestsFailed.log 2>/dev/null
  awk -v preset="$1" '
    function attribute(key) {
      return match($0, " " key "=\"[^\"]*\"") ? substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 4) : ""
    }
    /<testcase / { name = attribute("classname") "." attribute("name") }
    /<failure / {
      message = attribute("message")
      gsub(/&#x0A;/, "  ", message)
      print "FAILED   " preset "  " name ": " message
    }' build/"$1"/results/*.xml 2>/dev/null
}

# Where libtorch is kept between runs, outside of the repository.
torch_version=2.15
torch_home="${XDG_CACHE_HOME:-$HOME/.cache}/nestor/torch-$torch_version"

# torch_in FOLDER: prints the torch folder of a virtual environment, if it is complete.
torch_in() {
  local folder
  for folder in "$1"/lib/python3*/site-packages/torch; do
    if [ -e "$folder/lib/libtorch_cpu.so" ] && [ -d "$folder/include/torch" ]; then
      echo "$folder" && return
    fi
  done
  return 1
}

# install_torch: makes libtorch present and sets torch_folder. About 1.3 GB, from PyPI's wheel of PyTorch; NESTOR_TORCH
# in the environment names another torch folder. Made under a temporary name: an interrupted run leaves nothing behind
# that a later one could take for complete.
install_torch() {
  torch_folder=${NESTOR_TORCH-}
  [ -z "$torch_folder" ] || return 0
  torch_folder=$(torch_in "$torch_home") && return
  install_packages torch
  echo "Installing libtorch $torch_version into $torch_home"
  local temporary="$torch_home.$$"
  mkdir -p "$(dirname "$torch_home")"
  rm -rf "$temporary"
  logged build/install-torch.log python3 -m venv "$temporary"
  logged build/install-torch.log "$temporary/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir \
    --no-deps "torch==$torch_version.*" nvidia-cuda-runtime nvidia-cuda-cupti
  rm -rf "$torch_home"
  mv -T "$temporary" "$torch_home"
  torch_folder=$(torch_in "$torch_home") || { echo "The torch wheel has no libtorch_cpu.so." >&2 && exit 1; }
}

# train_arguments with|without: sets train_options, the CMake arguments for the trainer or against it.
train_arguments() {
  if [ "$1" = with ]; then
    install_torch
    train_options=(-DNESTOR_TRAIN=ON "-DNESTOR_TORCH=$torch_folder")
  else
    train_options=(-DNESTOR_TRAIN=OFF)
    echo "Left out: the trainer (program nestor-train, tests of train and of nestor train)."
  fi
}
