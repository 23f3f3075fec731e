# One function per kind of target. Warnings are errors with gcc and clang; asserts stay on in every build.
include_guard()
include(CheckCCompilerFlag)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
option(SOT_FUZZ "Build libFuzzer targets (clang)" OFF)
set(SOT_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined")

option(SOT_SYNTAX_ONLY "Every source is read for errors and warnings; nothing is built" OFF)

if(SOT_SYNTAX_ONLY)
  # Warnings come from reading a source; code and links of a compiler whose programs nobody runs would be three quarters of the time.
  set(touch "<CMAKE_COMMAND> -E touch")
  set(CMAKE_C_COMPILE_OBJECT "<CMAKE_C_COMPILER> <DEFINES> <INCLUDES> <FLAGS> -fsyntax-only <SOURCE>" "${touch} <OBJECT>")
  set(CMAKE_C_CREATE_STATIC_LIBRARY "${touch} <TARGET>")
  set(CMAKE_C_CREATE_SHARED_LIBRARY "${touch} <TARGET>")
  set(CMAKE_C_LINK_EXECUTABLE "${touch} <TARGET>")
else()
  find_program(CCACHE ccache)
  if(CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  endif()
endif()
find_package(PkgConfig REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

add_library(sot_flags INTERFACE)
target_compile_definitions(sot_flags INTERFACE _GNU_SOURCE SOT_VERSION="${PROJECT_VERSION}")
target_compile_options(sot_flags INTERFACE -Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes
  -Wmissing-prototypes -Wundef -Wvla -Wformat=2 -Wcast-align -Wpointer-arith -Wwrite-strings -Wimplicit-fallthrough
  -Wdouble-promotion -fno-common -UNDEBUG)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT SOT_SANITIZE)
  # With sanitizers gcc 12 reports paths through its own instrumentation.
  target_compile_options(sot_flags INTERFACE -Wnull-dereference)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  target_compile_options(sot_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong
    -fstack-clash-protection -fcf-protection=full)
  # clang 14 knows it only behind another flag.
  check_c_compiler_flag(-ftrivial-auto-var-init=zero SOT_HAS_AUTO_VAR_INIT)
  if(SOT_HAS_AUTO_VAR_INIT)
    target_compile_options(sot_flags INTERFACE -ftrivial-auto-var-init=zero)
  endif()
  target_link_options(sot_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
endif()
if(SOT_SANITIZE)
  target_compile_options(sot_flags INTERFACE -fsanitize=${SOT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(sot_flags INTERFACE -fsanitize=${SOT_SANITIZE})
endif()
if(SOT_FUZZ)
  target_compile_options(sot_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(sot_pkg name)
  if(NOT TARGET PkgConfig::${name})
    pkg_check_modules(${name} REQUIRED IMPORTED_TARGET GLOBAL ${ARGN})
  endif()
endfunction()

# sot_library(name SOURCES a.c b.c DEPS sot::base ...): target sot_<name>, alias sot::<name>, headers of its folder public.
function(sot_library name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(sot_${name} STATIC ${A_SOURCES})
  add_library(sot::${name} ALIAS sot_${name})
  target_include_directories(sot_${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(sot_${name} PUBLIC ${A_DEPS} PRIVATE sot_flags ${A_PRIVATE_DEPS})
endfunction()

# sot_service(name SOURCES ... DEPS ... [CORE core/*.c]): the binary sotalia-<name>, and a static library
# sot_core_<name> of its pure core for tests and the simulator.
function(sot_service name)
  cmake_parse_arguments(A "" "" "SOURCES;CORE;DEPS;CORE_DEPS" ${ARGN})
  string(REPLACE "-" "_" id ${name})
  if(A_CORE)
    add_library(sot_core_${id} STATIC ${A_CORE})
    target_include_directories(sot_core_${id} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/core)
    target_link_libraries(sot_core_${id} PUBLIC sot::base ${A_CORE_DEPS} PRIVATE sot_flags)
  endif()
  add_executable(sotalia-${name} ${A_SOURCES})
  target_include_directories(sotalia-${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_BINARY_DIR})
  target_link_libraries(sotalia-${name} PRIVATE sot_flags ${A_DEPS})
  if(A_CORE)
    target_link_libraries(sotalia-${name} PRIVATE sot_core_${id})
  endif()
  install(TARGETS sotalia-${name} DESTINATION ${CMAKE_INSTALL_SBINDIR} COMPONENT ${name})
endfunction()

# sot_test(name SOURCES x_test.c DEPS ... [LABEL unit|integration|sim]): a cmocka program, label unit by default.
function(sot_test name)
  cmake_parse_arguments(A "" "LABEL" "SOURCES;DEPS" ${ARGN})
  if(NOT A_LABEL)
    set(A_LABEL unit)
  endif()
  sot_pkg(CMOCKA cmocka)
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE sot_flags ${A_DEPS} sot::testing PkgConfig::CMOCKA)
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${A_LABEL} TIMEOUT 900)
endfunction()

# sot_fuzz(name SOURCES x_fuzz.c DEPS ...): a libFuzzer program with the preset `fuzz`; otherwise nothing.
function(sot_fuzz name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  if(SOT_FUZZ)
    add_executable(${name} ${A_SOURCES})
    target_link_libraries(${name} PRIVATE sot_flags ${A_DEPS})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set_property(GLOBAL APPEND PROPERTY SOT_FUZZ_TARGETS ${name})
  endif()
endfunction()

# sot_sql(service prefix): builds sql/*.sql into <prefix>_sql.h / .c (tools/sqlgen.py), returned in <prefix>_SQL_SOURCES.
function(sot_sql prefix)
  file(GLOB sql CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/sql/*.sql)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${prefix}_sql)
  add_custom_command(OUTPUT ${out}.h ${out}.c
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/sqlgen.py --prefix ${prefix} --out ${out} ${sql}
    DEPENDS ${sql} ${CMAKE_SOURCE_DIR}/tools/sqlgen.py VERBATIM)
  set(${prefix}_SQL_SOURCES ${out}.h ${out}.c PARENT_SCOPE)
endfunction()
