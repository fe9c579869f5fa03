# The library that users link: every module in one shared object that exports
# the names marked KERATIN_API and nothing else.

include(CMakePackageConfigHelpers)

get_property(keratin_modules GLOBAL PROPERTY KERATIN_MODULES)

add_library(keratin SHARED)
add_library(keratin::keratin ALIAS keratin)
target_include_directories(
  keratin PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                 $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(keratin PUBLIC cxx_std_20)
# The modules' objects, whole: a user may call what no module calls. Linking the
# archives as well adds none of them again, but what they depend on.
foreach(module IN LISTS keratin_modules)
  target_sources(keratin PRIVATE $<TARGET_OBJECTS:${module}>)
endforeach()
target_link_libraries(keratin PRIVATE ${keratin_modules} keratin::options)
target_link_options(
  keratin PRIVATE "LINKER:--version-script=${CMAKE_CURRENT_LIST_DIR}/keratin.map")
set_target_properties(
  keratin
  PROPERTIES LINKER_LANGUAGE CXX
             LINK_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/keratin.map"
             VERSION ${PROJECT_VERSION}
             SOVERSION ${PROJECT_VERSION_MAJOR})

install(
  TARGETS keratin
  EXPORT keratinTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/keratin"
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(
  EXPORT keratinTargets
  NAMESPACE keratin::
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/keratin)
configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/keratinConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/keratinConfig.cmake"
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/keratin)
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/keratinConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/keratinConfig.cmake"
              "${PROJECT_BINARY_DIR}/keratinConfigVersion.cmake"
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/keratin)
