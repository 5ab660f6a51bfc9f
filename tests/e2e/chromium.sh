#!/bin/sh
# Bring a Chromium for the browser tests: the one that is there, or Debian's package where we may install it.
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
[ -n "$CONVSCOPE_CHROMIUM" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the browser tests."
    { apt-get update -q && apt-get install -y -q chromium fonts-noto-cjk; } >/dev/null 2>&1 && exit 0
fi
echo "No Chromium found: the browser tests will be skipped (set CONVSCOPE_CHROMIUM to the path of one)."
