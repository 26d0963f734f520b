// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice A token that takes every call as a chance to call back, and moves balances as told.
contract ReenteringToken {
    struct Attack {
        address target;
        bytes data;
    }

    Attack[] private _attacks;
    mapping(address account => uint256 amount) public balanceOf;
    uint256 public attacks;
    uint256 public successes;

    function attack(address target, bytes calldata data) external {
        _attacks.push(Attack(target, data));
    }

    function approve(address, uint256) external returns (bool) {
        _callBack();
        return true;
    }

    function transferFrom(address, address to, uint256 amount) external returns (bool) {
        _callBack();
        balanceOf[to] += amount;
        return true;
    }

    function _callBack() private {
        for (uint256 i = 0; i < _attacks.length; ++i) {
            (bool success,) = _attacks[i].target.call(_attacks[i].data);
            ++attacks;
            if (success) ++successes;
        }
    }
}
