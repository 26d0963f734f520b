// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault} from "../../../../contracts/interfaces/ICAPVault.sol";
import {Steps} from "./Steps.sol";

/// @notice Takes out what waits in the vault.
abstract contract MoneyHandler is Steps {
    function claim(uint256 tokenSeed, uint256 accountSeed, uint256 toSeed) external {
        _claim(address(_token(tokenSeed)), accountSeed, _actor(toSeed));
    }

    function claimFor(uint256 tokenSeed, uint256 accountSeed, uint256 callerSeed) external {
        address token = address(_token(tokenSeed));
        address account = _creditor(token, accountSeed);
        bytes memory data = abi.encodeCall(ICAPVault.claimFor, (token, account));
        _takeCredit(token, account, account, _actor(callerSeed), data);
    }

    function sweepFees(uint256 tokenSeed, uint256 callerSeed) external {
        _sweep(address(_token(tokenSeed)), _actor(callerSeed));
    }

    function _claim(address token, uint256 accountSeed, address to) internal {
        address account = _creditor(token, accountSeed);
        _takeCredit(token, account, to, account, abi.encodeCall(ICAPVault.claim, (token, to)));
    }

    function _takeCredit(address token, address account, address to, address caller, bytes memory data) private {
        uint256 amount = credit[token][account];
        bytes memory failure;
        if (amount == 0) failure = abi.encodeWithSelector(ICAPVault.NothingToClaim.selector, token, account);
        else if (!_pays(token, to)) failure = ANY;
        else _expectPayout(token, to, amount);
        (bool ok,) = _send(caller, data, failure, GAS);
        if (!ok) return;
        credit[token][account] = 0;
        _lied(token, amount);
    }

    function _sweep(address token, address caller) internal {
        uint256 amount = accrued[token];
        address to = vault.treasury();
        bool pays = amount == 0 || _pays(token, to);
        if (pays) _expectPayout(token, to, amount);
        bytes memory data = abi.encodeCall(ICAPVault.sweepFees, (token));
        (bool ok,) = _send(caller, data, pays ? bytes("") : ANY, GAS);
        if (!ok) return;
        accrued[token] = 0;
        _lied(token, amount);
    }

    /// @dev The next actor with a credit, if there is one.
    function _creditor(address token, uint256 seed) private view returns (address) {
        for (uint256 i; i < ACTORS; ++i) {
            address actor = _actor(seed % ACTORS + i);
            if (credit[token][actor] != 0) return actor;
        }
        return _actor(seed);
    }
}
