// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// solhint-disable gas-custom-errors

import {Phase} from "../../../contracts/interfaces/ICAPVault.sol";

/// @notice One order by the protocol's table, without hashes, signatures, tokens and the packed word: small enough for a proof. `scripts/prove.sh` proves
/// each `assert` for every sequence of calls and every terms; `OrderModel.t.sol` compares the model with the vault, call by call.
/// @dev Requires without errors: to the prover each is an assumption. Flat on purpose: with a function or a modifier for each repeated condition the solver does not come to an end.
contract OrderModel {
    enum Actor {
        REQUESTER,
        PROVIDER,
        ARBITER,
        APPROVER,
        STRANGER
    }

    /* TERMS */

    uint256 private _payDeadline;
    uint256 private _slaSeconds;
    uint256 private _reviewSeconds; // 0: no Arbiter
    bool private _hasApprover;

    /* STATE */

    Phase public phase;
    bool public approved;
    bool public disputed;
    bool public delivered; // the hash is recorded
    uint256 public deadline; // last second of what the phase allows one side against the other
    bool private _agreed; // both parties have consented
    bool private _held; // the price is in the vault
    bool private _over; // a final phase was entered

    constructor(uint256 payDeadline, uint256 slaSeconds, uint256 reviewSeconds, bool hasApprover) {
        (_payDeadline, _slaSeconds, _reviewSeconds, _hasApprover) =
        (payDeadline, slaSeconds, reviewSeconds, hasApprover);
        deadline = payDeadline;
    }

    /* CALLS: one that the table does not allow reverts */

    /// @param consents Whether both parties call or signed.
    function create(bool consents) external {
        require(phase == Phase.NONE && consents && block.timestamp <= deadline);
        assert(!_agreed && !_held && !_over);
        _agreed = true;
        phase = Phase.NEGOTIATION;
    }

    /// @param consents Whether the Requester calls or authorized the payment.
    function pay(bool consents) external {
        require(phase == Phase.NEGOTIATION && consents && block.timestamp <= deadline);
        assert(_agreed && !_held && !_over);
        _held = true;
        phase = Phase.LOCK;
        deadline = block.timestamp + _slaSeconds;
    }

    /// @param consents Whether the Requester calls or authorized the payment.
    /// @param providerConsents Whether the Provider signed.
    function createAndPay(bool consents, bool providerConsents) external {
        require(phase == Phase.NEGOTIATION || (phase == Phase.NONE && providerConsents));
        require(consents && block.timestamp <= deadline);
        assert(!_held && !_over);
        _agreed = true;
        _held = true;
        phase = Phase.LOCK;
        deadline = block.timestamp + _slaSeconds;
    }

    function approve(Actor caller) external {
        require(caller == Actor.APPROVER && _hasApprover && !approved);
        require(phase == Phase.NEGOTIATION || phase == Phase.LOCK);
        approved = true;
    }

    function deliver(Actor caller) external {
        require(caller == Actor.PROVIDER && phase == Phase.LOCK && block.timestamp <= deadline);
        require(!_hasApprover || approved);
        assert(!delivered && _held && !_over);
        delivered = true;
        _held = _reviewSeconds != 0;
        _over = !_held;
        phase = _reviewSeconds != 0 ? Phase.DELIVER : Phase.CLEAR;
        deadline = block.timestamp + _reviewSeconds;
    }

    function release(Actor caller) external {
        require(_reviewSeconds != 0 && (phase == Phase.LOCK || phase == Phase.DELIVER || phase == Phase.DISPUTE));
        require(caller == Actor.REQUESTER || (phase != Phase.LOCK && block.timestamp > deadline));
        require(phase != Phase.LOCK || !_hasApprover || approved);
        assert(_held && !_over);
        (_held, _over) = (false, true);
        phase = Phase.CLEAR;
    }

    function disputeBeforeDelivery(Actor caller) external {
        require(caller == Actor.REQUESTER || caller == Actor.PROVIDER);
        require(_reviewSeconds != 0 && phase == Phase.LOCK && block.timestamp <= deadline && !disputed);
        disputed = true;
    }

    function disputeAfterDelivery(Actor caller) external {
        require(
            caller == Actor.REQUESTER && _reviewSeconds != 0 && phase == Phase.DELIVER && block.timestamp <= deadline
        );
        assert(delivered && _held && !_over);
        disputed = true;
        phase = Phase.DISPUTE;
        deadline = block.timestamp + 30 days;
    }

    /// @param toProvider Whether the Provider gets any part of the price.
    function resolve(Actor caller, bool toProvider) external {
        require(caller == Actor.ARBITER && _reviewSeconds != 0 && disputed && block.timestamp <= deadline);
        require(phase == Phase.LOCK || phase == Phase.DELIVER || phase == Phase.DISPUTE);
        require(phase != Phase.LOCK || !toProvider || !_hasApprover || approved);
        assert(_held && !_over);
        (_held, _over) = (false, true);
        phase = toProvider ? Phase.CLEAR : Phase.REJECTED;
    }

    function reject(Actor caller) external {
        require(phase < Phase.CLEAR);
        bool unpaid = phase == Phase.NONE || phase == Phase.NEGOTIATION;
        bool unapproved = _hasApprover && !approved && (phase == Phase.NEGOTIATION || phase == Phase.LOCK);
        require(
            caller == Actor.PROVIDER || (caller == Actor.REQUESTER && unpaid)
                || (caller == Actor.APPROVER && unapproved)
        );
        assert(_held != unpaid && !_over);
        (_held, _over) = (false, true);
        phase = Phase.REJECTED;
    }

    function expire() external {
        require((phase == Phase.NEGOTIATION || phase == Phase.LOCK) && block.timestamp > deadline);
        assert(_held == (phase == Phase.LOCK) && !_over);
        (_held, _over) = (false, true);
        phase = Phase.EXPIRED;
    }

    /* PROPERTIES: true after every sequence of calls */

    /// @notice Invariant 2.
    function proveHeldExactlyWhileFunded() external view {
        assert(_held == (phase == Phase.LOCK || phase == Phase.DELIVER || phase == Phase.DISPUTE));
    }

    /// @notice Invariant 3: the final phases, and they alone, are the end.
    function proveOver() external view {
        assert(_over == (phase == Phase.CLEAR || phase == Phase.REJECTED || phase == Phase.EXPIRED));
    }

    /// @notice Invariant 6: whatever waits for somebody can be ended by anyone once its deadline has passed, by `expire` or by `release`.
    function proveExit() external view {
        assert(
            (phase != Phase.DELIVER || _reviewSeconds != 0)
                && (phase != Phase.DISPUTE || (_reviewSeconds != 0 && disputed))
        );
    }

    /// @notice Invariant 8.
    function proveAgreed() external view {
        assert(_agreed || phase == Phase.NONE || phase == Phase.REJECTED);
    }

    /// @notice Invariant 9.
    function proveDelivered() external view {
        assert(delivered ? phase >= Phase.DELIVER : phase != Phase.DELIVER && phase != Phase.DISPUTE);
    }
}
