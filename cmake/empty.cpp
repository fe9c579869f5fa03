// CMake wants a library to have a source; the modules' archives are the rest.
