# Install tree: the program, the library, its headers, and the package that find_package(clvsim) finds.
