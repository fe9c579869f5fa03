# Third-party libraries, all from the distribution, all private to the library.
# scripts/install_deps.sh installs them on Debian and Ubuntu.

find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(ZLIB REQUIRED)
find_package(CURL REQUIRED)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(hwy 1.0 REQUIRED)  # hwy::hwy
set(HDF5_PREFER_PARALLEL OFF)
find_package(HDF5 REQUIRED COMPONENTS C)  # hdf5::hdf5
find_package(DNNL 2.6 REQUIRED)  # DNNL::dnnl
find_package(LibZip REQUIRED)  # LibZip::zip
find_package(TurboJPEG REQUIRED)  # TurboJPEG::turbojpeg
find_package(SPNG REQUIRED)  # SPNG::spng
find_package(GIF 5 REQUIRED)  # GIF::GIF
find_package(Stb REQUIRED)  # Stb::image
if(KERATIN_BUILD_TESTS)
  find_package(doctest REQUIRED)  # doctest::doctest
endif()
