// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IAgentAccountFactory} from "../interfaces/IAgentAccount.sol";
import {AgentAccount} from "./AgentAccount.sol";

/// @title Deploys agent accounts at addresses that are known before
/// @notice See {IAgentAccountFactory}. Accounts are ERC-1167 clones of one implementation; Owner and Executor are part of a
/// clone's code, vault, paymaster and EntryPoint of the implementation's. The implementation's address follows from the factory's,
/// so a factory must itself be at an address that commits to its arguments (CREATE2, as the deployment script does).
contract AgentAccountFactory is IAgentAccountFactory {
    /// @notice The code behind every account of this factory.
    address public immutable implementation;

    constructor(address vault, address paymaster) {
        implementation = address(new AgentAccount(vault, paymaster));
    }

    /// @inheritdoc IAgentAccountFactory
    function createAccount(address owner, address executor, bytes32 salt) external override returns (address account) {
        account = accountAddress(owner, executor, salt);
        if (account.code.length != 0) return account;
        Clones.cloneDeterministicWithImmutableArgs(implementation, abi.encode(owner, executor), salt);
        emit AccountCreated(account, owner, executor, salt);
    }

    /// @inheritdoc IAgentAccountFactory
    function accountAddress(address owner, address executor, bytes32 salt) public view override returns (address) {
        return Clones.predictDeterministicAddressWithImmutableArgs(implementation, abi.encode(owner, executor), salt);
    }
}
