// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title How an order's price is split
library Split {
    uint256 internal constant BPS = 10_000;

    /// @notice Splits `amount` between the parties, the platform and the second payee; every unit goes to one of the four.
    /// @dev Fee and commission are floors of their shares, so what rounding leaves is the Provider's.
    /// @param amount Price, token base units, <= 2^120.
    /// @param providerPart What the Provider earned before fee and commission, <= amount; the Requester gets the rest back.
    /// @param feeBps Platform's share of providerPart in 1/10 000; with commissionBps at most 10 000.
    /// @param commissionBps Second payee's share of providerPart in 1/10 000.
    function split(uint256 amount, uint256 providerPart, uint256 feeBps, uint256 commissionBps)
        internal
        pure
        returns (uint256 toProvider, uint256 toRequester, uint256 fee, uint256 commission)
    {
        fee = providerPart * feeBps / BPS;
        commission = providerPart * commissionBps / BPS;
        toProvider = providerPart - fee - commission;
        toRequester = amount - providerPart;
    }
}
