#!/usr/bin/env bash
# Builds the jars that the images hold: ./build.sh [component ...]
# The same result as `gradle jar`, for machines without Gradle. Without a JDK the jar holds
# the sources only: enough to build, push and deploy an image, not enough to run it.
set -euo pipefail
cd "$(dirname "$0")"

build() {
  local component=$1
  local module=server-$component
  local jar=$module/build/libs/$module-1.0.jar
  rm -rf "$module/build"
  mkdir -p "$module/build/classes" "$module/build/libs"
  if command -v javac > /dev/null && command -v jar > /dev/null; then
    find "$module/src/main/java" -name '*.java' -print0 \
      | xargs -0 javac --release 17 -encoding UTF-8 -d "$module/build/classes"
    jar --create --file "$jar" --main-class "com.xiilab.astrago.$component.Application" \
      -C "$module/build/classes" .
    echo "$jar"
  else
    mkdir "$module/build/classes/META-INF"
    printf 'Manifest-Version: 1.0\r\nMain-Class: com.xiilab.astrago.%s.Application\r\n' \
      "$component" > "$module/build/classes/META-INF/MANIFEST.MF"
    python3 -m zipfile --create "$jar" "$module/build/classes/META-INF" "$module/src/main/java/com"
    echo "$jar (sources only: there is no JDK here)"
  fi
}

(($#)) || set -- core batch monitor
for component; do
  build "$component" &
  builds+=($!)
done
for each in "${builds[@]}"; do
  wait "$each"
done
