# module(NAME [NPM_PACK] DEPENDS ... SOURCES ... TESTS ... SLOW_TESTS ... PRIVATE_LIBS ... PUBLIC_LIBS ... TEST_LIBS ...)
#
# Declares one folder of src/ as the library faceforge_NAME. DEPENDS names modules of strictly lower
# rows (tools/check_layers reads these lists and fails on any other include). TESTS and SLOW_TESTS
# become one executable each, NAME_test and NAME_slow_test, with the ctest labels `fast` and `slow`.
# With NPM_PACK the slow tests find in FACEFORGE_TEST_NPM_PACK the pack that the test npm_pack makes.
# Third parties are PRIVATE_LIBS unless a public header shows their types.
function(module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NPM_PACK" ""
    "DEPENDS;SOURCES;TESTS;SLOW_TESTS;PRIVATE_LIBS;PUBLIC_LIBS;TEST_LIBS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "module(${name}): unknown words: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(target faceforge_${name})
  list(TRANSFORM arg_DEPENDS PREPEND faceforge_ OUTPUT_VARIABLE depends)
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    target_link_libraries(${target} PUBLIC ${depends} ${arg_PUBLIC_LIBS} PRIVATE ${arg_PRIVATE_LIBS})
    target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    faceforge_compile_options(${target})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE ${depends} ${arg_PUBLIC_LIBS})
    target_include_directories(${target} INTERFACE ${PROJECT_SOURCE_DIR}/src)
  endif()
  if(BUILD_TESTING)
    if(arg_TESTS)
      faceforge_test(${name}_test fast ${target} "${arg_TESTS}" "${arg_TEST_LIBS};${arg_PRIVATE_LIBS}")
    endif()
    if(arg_SLOW_TESTS)
      faceforge_test(${name}_slow_test slow ${target} "${arg_SLOW_TESTS}"
        "${arg_TEST_LIBS};${arg_PRIVATE_LIBS}")
      if(arg_NPM_PACK)
        set_tests_properties(${name}_slow_test PROPERTIES FIXTURES_REQUIRED npm_pack
          ENVIRONMENT "FACEFORGE_TEST_NPM_PACK=${CMAKE_BINARY_DIR}/npm-pack/packs/faceapi")
      endif()
    endif()
  endif()
endfunction()

function(faceforge_test executable label target sources libraries)
  add_executable(${executable} ${sources})
  target_link_libraries(${executable} PRIVATE ${target} faceforge_test_support ${libraries}
    GTest::gmock GTest::gtest_main)
  faceforge_compile_options(${executable})
  add_test(NAME ${executable} COMMAND ${executable} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${executable} PROPERTIES LABELS ${label} TIMEOUT 1500)
endfunction()

function(faceforge_compile_options target)
  target_compile_features(${target} PRIVATE cxx_std_23)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
    -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual)
  # Where only training is built, compiler and LibTorch are whatever is there: GCC 14 warns of headers of LibTorch 2.6.
  if(NOT FACEFORGE_LAB_ONLY)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
