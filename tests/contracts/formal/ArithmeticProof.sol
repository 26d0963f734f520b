// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Split} from "../../../contracts/libraries/Split.sol";

/// @notice What holds for every split that an order's terms allow, and for every sum that the vault forms. `scripts/prove.sh` proves each `assert`, and that
/// no operation on the way overflows, underflows or divides by zero.
contract ArithmeticProof {
    /// @dev The terms' bounds, as `CAPVault` checks them.
    modifier allowed(uint256 amount, uint256 providerPart, uint256 feeBps, uint256 commissionBps) {
        // solhint-disable-next-line gas-custom-errors
        require(providerPart <= amount && feeBps <= 1000 && feeBps + commissionBps <= 5000);
        _;
    }

    /* SPLIT */

    /// @notice providerPart + refund = amount, and toProvider + fee + commission = providerPart.
    function proveEveryUnitGoesToOne(uint120 amount, uint120 providerPart, uint16 feeBps, uint16 commissionBps)
        external
        pure
        allowed(amount, providerPart, feeBps, commissionBps)
    {
        (uint256 toProvider, uint256 toRequester, uint256 fee, uint256 commission) =
            Split.split(amount, providerPart, feeBps, commissionBps);
        assert(providerPart + toRequester == amount);
        assert(toProvider + fee + commission == providerPart);
    }

    /// @notice The fee is the floor of its share: no more, and not a unit less.
    function proveFeeIsTheFloor(uint120 amount, uint120 providerPart, uint16 feeBps, uint16 commissionBps)
        external
        pure
        allowed(amount, providerPart, feeBps, commissionBps)
    {
        (,, uint256 fee,) = Split.split(amount, providerPart, feeBps, commissionBps);
        uint256 share = uint256(providerPart) * feeBps;
        assert(fee * 10_000 <= share && share < (fee + 1) * 10_000);
    }

    /// @notice The commission is the floor of its share.
    function proveCommissionIsTheFloor(uint120 amount, uint120 providerPart, uint16 feeBps, uint16 commissionBps)
        external
        pure
        allowed(amount, providerPart, feeBps, commissionBps)
    {
        (,,, uint256 commission) = Split.split(amount, providerPart, feeBps, commissionBps);
        uint256 share = uint256(providerPart) * commissionBps;
        assert(commission * 10_000 <= share && share < (commission + 1) * 10_000);
    }

    /// @notice A tenth at most is the platform's, and half at least the Provider's.
    function proveBounds(uint120 amount, uint120 providerPart, uint16 feeBps, uint16 commissionBps)
        external
        pure
        allowed(amount, providerPart, feeBps, commissionBps)
    {
        (uint256 toProvider,, uint256 fee, uint256 commission) =
            Split.split(amount, providerPart, feeBps, commissionBps);
        assert(fee <= providerPart / 10);
        assert(fee + commission <= providerPart / 2);
        assert(toProvider >= commission && toProvider >= fee);
    }

    /* SUMS */

    /// @notice `_settle` casts the fee to uint128 and adds it: no bit is lost, and the sum does not overflow.
    /// @param accruedFees Fees not yet swept. The vault holds them besides the price (invariant 1), so both are part of the supply.
    function proveFeesFit(
        uint128 accruedFees,
        uint120 amount,
        uint120 providerPart,
        uint16 feeBps,
        uint16 commissionBps,
        uint128 supply
    ) external pure allowed(amount, providerPart, feeBps, commissionBps) {
        // solhint-disable-next-line gas-custom-errors
        require(uint256(accruedFees) + amount <= supply);
        (,, uint256 fee,) = Split.split(amount, providerPart, feeBps, commissionBps);
        assert(fee <= type(uint128).max);
        accruedFees += uint128(fee);
    }

    /// @notice `_credit` adds a part of the price to a credit: both are in the vault, so both are part of the supply.
    function proveCreditFits(uint256 credit, uint120 amount, uint120 part, uint256 supply) external pure {
        // solhint-disable-next-line gas-custom-errors
        require(part <= amount && amount <= supply && credit <= supply - amount);
        assert(credit + part <= supply);
    }

    /// @notice Every deadline is a sum that fits.
    function proveDeadlinesFit(uint40 since, uint40 payDeadline, uint32 slaSeconds, uint32 reviewSeconds)
        external
        pure
    {
        assert(uint256(since) + slaSeconds < type(uint256).max);
        assert(uint256(since) + reviewSeconds < type(uint256).max);
        assert(uint256(since) + 30 days < type(uint256).max);
        assert(uint256(payDeadline) + 1 < type(uint256).max);
    }
}
