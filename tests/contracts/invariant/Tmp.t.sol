// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;
import {Test} from "../Test.sol";
import {ExecutorHandler} from "./handlers/ExecutorHandler.sol";

contract TmpTest is Test {
    event log_named_uint(string key, uint256 val);

    function test_tmp() public {
        ExecutorHandler h = new ExecutorHandler();
        for (uint256 i = 0; i < 64; ++i) {
            uint256[5] memory seeds;
            seeds[0] = uint256(keccak256(abi.encode(i)));
            seeds[1] = i;
            if (i % 5 == 0) h.wait(seeds[0]);
            if (i % 2 == 0) h.steps(seeds, bytes32(seeds[0]));
            else h.operation(seeds, bytes32(seeds[0]), 1 + i % 64, seeds[0] / 7);
        }
        emit log_named_uint("payments", h.payments());
        emit log_named_uint("operations", h.operations());
        emit log_named_uint("beyond", h.beyondLimits());
    }
}
