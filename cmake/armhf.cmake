# Toolchain: Debian's armhf (ARMv7-A with VFPv3-D16, hard float) on a Debian of another architecture. The libraries are
# Debian's own, installed beside ours (multiarch); ./dev build --arch armhf installs them. Nothing of a sysroot: the cross
# compiler and CMake look into /usr/lib/arm-linux-gnueabihf first, and never into our own architecture's folder.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(CMAKE_C_COMPILER arm-linux-gnueabihf-gcc)
set(CMAKE_CXX_COMPILER arm-linux-gnueabihf-g++)
# pkg-config would tell FindOpenSSL of the build machine's libraries.
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/arm-linux-gnueabihf/pkgconfig:/usr/share/pkgconfig)
# Tests run by it; the loader and the libraries of armhf are where a board has them.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-arm-static)
