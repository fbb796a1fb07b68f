# Install tree: the program, the library, its headers, and the package that find_package(clvsim) finds.
include(CMakePackageConfigHelpers)

install(TARGETS clvsim EXPORT clvsim_targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/clvsim DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT clvsim_targets NAMESPACE clvsim:: FILE clvsim-targets.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/clvsim)
configure_package_config_file(cmake/clvsim-config.cmake.in ${CMAKE_BINARY_DIR}/clvsim-config.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/clvsim)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/clvsim-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/clvsim-config.cmake ${CMAKE_BINARY_DIR}/clvsim-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/clvsim)
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
