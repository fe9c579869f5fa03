# Writes a C++ source that holds a file as an array:
#   cmake -DINPUT=x.gz -DOUTPUT=x.cpp -DNAME=kX -P embed.cmake
file(READ "${INPUT}" bytes HEX)
string(LENGTH "${bytes}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(
  WRITE "${OUTPUT}"
  "#include \"src/data/embedded.hpp\"\n"
  "namespace keratin::data {\n"
  "namespace {\n"
  "const unsigned char kBytes[${size}] = {${bytes}};\n"
  "}\n"
  "const io::Bytes ${NAME} = std::as_bytes(std::span(kBytes));\n"
  "}  // namespace keratin::data\n")
